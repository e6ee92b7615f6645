//! Facts: each world is claimed by its own cause and by no other.

use eks_access::catalogue::{CAUSES, Claim, Tier, judge};
use eks_access::cluster::Cluster;
use eks_access::example::{World, worlds};

use crate::cases::OWN;

/// The cluster of every world, as far as lines tell.
pub(crate) fn cluster_of(world: &World) -> Cluster {
    let told = Cluster {
        name: "prod-eu".parse().ok(),
        region: "eu-west-1".parse().ok(),
        account: OWN.parse().ok(),
        mode: None,
    };
    world.facts.cluster_as_known(&told)
}

#[test]
fn every_world_is_claimed_by_its_own_cause_and_by_no_other() {
    for world in worlds() {
        let cluster = cluster_of(&world);
        let case = world.case(&cluster);
        let claiming: Vec<&str> = CAUSES
            .iter()
            .filter(|cause| cause.tier == Tier::Specific && cause.symptoms.contains(&case.symptom))
            .filter(|cause| (cause.claim)(&case) == Claim::Yes)
            .map(|cause| cause.id)
            .collect();
        assert_eq!(claiming, [world.cause]);
        assert_eq!(judge(&case).cause.unwrap().id, world.cause);
    }
}
