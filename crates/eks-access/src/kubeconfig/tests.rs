use super::{Kubeconfig, Login, Plugin, Program};

const PROD: &str = r#"
apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: arn:aws:eks:eu-west-1:111122223333:cluster/prod
  cluster: {server: "https://x.eks.amazonaws.com"}
contexts:
- name: prod
  context: {cluster: "arn:aws:eks:eu-west-1:111122223333:cluster/prod", user: u1}
- name: dev
  context:
    cluster: dev.eu-central-1.eksctl.io
    user: u2
users:
- name: u1
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: /usr/local/bin/aws
      args: [--region, eu-west-1, eks, get-token, --cluster-name, prod, --role-arn=arn:aws:iam::111122223333:role/Ops]
      env:
      - name: AWS_PROFILE
        value: work
- name: u2
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1alpha1
      command: aws-iam-authenticator
      args: ["token", "-i", "dev", "-r", "arn:aws:iam::111122223333:role/Dev"]
      env: null
"#;

fn read(files: &[&str]) -> Kubeconfig {
    let mut read = Kubeconfig::default();
    for file in files {
        read.add(file).unwrap();
    }
    read
}

fn plugin(read: &Kubeconfig, context: &str) -> Plugin {
    match read.context(context).unwrap().login {
        Some(Login::Exec(exec)) => Plugin::of(exec),
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_programs_are_understood() {
    let read = read(&[PROD]);
    let prod = plugin(&read, "prod");
    assert_eq!(prod.program, Program::AwsCli);
    assert_eq!(
        prod.role.as_deref(),
        Some("arn:aws:iam::111122223333:role/Ops")
    );
    assert_eq!(
        (prod.region.as_deref(), prod.is_alpha),
        (Some("eu-west-1"), false)
    );
    let dev = plugin(&read, "dev");
    assert_eq!((dev.program, dev.is_alpha), (Program::Authenticator, true));
    assert_eq!(dev.cluster.as_deref(), Some("dev"));
}

#[test]
fn contexts_are_found_by_the_cluster_they_lead_to() {
    let read = read(&[PROD]);
    let names = |cluster: &str, region: Option<&str>| -> Vec<String> {
        let region = region.map(|region| region.parse().unwrap());
        read.leading_to(&cluster.parse().unwrap(), region.as_ref())
            .iter()
            .map(|context| context.name.to_owned())
            .collect()
    };
    assert_eq!(names("prod", None), ["prod"]);
    assert_eq!(names("prod", Some("eu-west-1")), ["prod"]);
    assert_eq!(names("prod", Some("us-east-1")), Vec::<String>::new());
    assert_eq!(names("dev", Some("eu-central-1")), ["dev"]);
    assert_eq!(names("else", None), Vec::<String>::new());
}

#[test]
fn the_first_file_wins_and_the_rest_of_a_later_one_is_not_mixed_in() {
    let second = r#"{"current-context": "prod", "users": [{"name": "u1", "user": {"token": "secret"}}],
        "contexts": [{"name": "prod", "context": {"cluster": "x", "user": "u9"}}, {"name": "new", "context": {"cluster": "c", "user": "u1"}}]}"#;
    let both = read(&[PROD, second]);
    assert_eq!(both.current.as_deref(), Some("dev"));
    assert_eq!(both.context("prod"), read(&[PROD]).context("prod"));
    assert_eq!(plugin(&both, "new").program, Program::AwsCli);
    let turned = read(&[second, PROD]);
    assert_eq!(turned.current.as_deref(), Some("prod"));
    assert_eq!(
        turned.context("new").unwrap().login,
        Some(&Login::Other("a token in the file"))
    );
    assert_eq!(turned.context("prod").unwrap().login, None);
}

#[test]
fn what_can_t_be_read_names_its_line() {
    for (text, line) in [
        ("a: [b\n", 2),
        ("a: &x 1\nb: *x\n", 2),
        ("- a\n", 1),
        ("{a: b", 1),
    ] {
        let broken = Kubeconfig::default().add(text).unwrap_err();
        assert!(
            broken.line >= line && broken.line <= line + 1,
            "{text}: {broken:?}"
        );
    }
    let deep = "[".repeat(9000);
    assert!(Kubeconfig::default().add(&deep).is_err());
    for text in ["", "\n", "# nothing\n", "{}"] {
        assert_eq!(Kubeconfig::default().add(text), Ok(()), "{text}");
    }
}

#[test]
fn a_wrapper_is_another_program() {
    let text = PROD.replace("/usr/local/bin/aws", "aws-vault");
    let prod = plugin(&read(&[&text]), "prod");
    assert_eq!(
        (prod.program, prod.cluster.as_deref()),
        (Program::Other, Some("prod"))
    );
}
