"""The part of the demo in which somebody is let in, and not for long."""

import json
import time

import shown
from product import KIM, SAM
from stack import CLUSTER, Failure, framed, wait_for
from story import Story, keep, say

ROLE = "sam"
REASON = "incident 4711: the shop does not answer"
AUDIT = ["requested", "approved", "granting", "granted", "revoked"]


class Grant:
    """Sam's request, from the card in Slack to the audit."""

    def __init__(self, story: Story, principal: str):
        self.story, self.stack, self.slack = story, story.stack, story.slack
        self.principal = principal
        self.entries = self.all_entries()

    def play(self) -> None:
        self.asked()
        self.granted()
        self.over()

    def all_entries(self) -> list[str]:
        return self.stack.eks.list_access_entries(clusterName=CLUSTER)["accessEntries"]

    def card(self) -> dict:
        (card,) = wait_for("the request's message in Slack", 20, self.slack.requests)
        return card

    def get(self, *rest: str) -> dict:
        return self.stack.call("GET", "/".join(["/v1/requests", self.id, *rest]))

    def asked(self) -> None:
        story, slack = self.story, self.slack
        story.title("Slack asks who may say yes. Nothing is granted by itself")
        keep(story.mail("about the request"), f"{story.number}-requested")
        say(framed(shown.message(self.card())))
        (request,) = self.stack.call("GET", "/v1/requests")["requests"]
        self.id = request["id"]
        self.must_be_refused("identity is not mapped")

        forged = slack.click(self.card(), "req:review", KIM, secret="a guess")
        if forged["status"] != 401 or slack.form(KIM):
            raise Failure(f"a click that Slack did not sign was answered: {forged}")
        own = slack.click(self.card(), "req:review", SAM)
        (whisper,) = slack.whispers(SAM)
        if own["status"] != 200 or slack.form(SAM) or "nobody decides about themselves" not in whisper["text"]:
            raise Failure(f"Sam may not decide about himself: {own}, {whisper}")
        slack.click(self.card(), "req:review", KIM)
        form = slack.form(KIM)
        if not form:
            raise Failure("Kim clicked, and no form was opened")
        say(f"""
  a click that Slack did not sign   {forged["status"]}
  Sam clicks Review                 "{whisper["text"]}"
  Kim, of the group that the guardrails name, clicks Review, and gets this form:

{framed(shown.form(form))}""")

    def granted(self) -> None:
        story, slack = self.story, self.slack
        story.title("Kim says yes, for one minute. A function of its own makes the access entry")
        began = time.monotonic()
        sent = slack.submit({"namespaces": ["shop"], "duration": "60", "reason": REASON}, KIM)
        if (sent["status"], sent["body"]) != (200, "") or slack.form(KIM):
            raise Failure(f"the form was not taken: {sent}")
        keep(story.mail("about the grant"), f"{story.number}-granted")
        took = time.monotonic() - began
        story.notices("granted", "audit", "audit", "audit")
        self.must_be("active")
        # It writes down what it told, or the next function, to which it is two minutes later, tells it again.
        wait_for("the granter to be done", 20, lambda: self.stack.reports("granter"))
        entry = {"clusterName": CLUSTER, "principalArn": self.principal}
        described = self.stack.eks.describe_access_entry(**entry)["accessEntry"]
        policies = self.stack.eks.list_associated_access_policies(**entry)["associatedAccessPolicies"]
        given = [(policy["policyArn"].rpartition("/")[2], policy["accessScope"]) for policy in policies]
        ends = described["tags"].get("expires-at")
        tags = {"managed-by": "eks-access-responder", "request-id": self.id, "expires-at": ends}
        for what, is_so in {
            "type and groups": (described["type"], described["kubernetesGroups"]) == ("STANDARD", []),
            "policies": given == [("AmazonEKSViewPolicy", {"type": "namespace", "namespaces": ["shop"]})],
            "tags": ends and described["tags"] == tags,
            "other entries": sorted(self.all_entries()) == sorted([*self.entries, self.principal]),
        }.items():
            if not is_so:
                raise Failure(f"the access entry's {what} are not what was approved: {described}, {policies}")
        login = self.stack.would_log_in(ROLE)
        if "username" not in login:
            raise Failure(f"Sam should get in now: {login}")
        say(framed([
            f"principal   {described['principalArn']}",
            f"type        {described['type']}, no groups",
            "policy      AmazonEKSViewPolicy in namespace shop, and no other",
            *(f"tag         {key}={value}" for key, value in tags.items()),
        ]))  # fmt: skip
        say(f"\n  {took:.2f} s after the form was sent it is there, and the cluster would let Sam in")

    def over(self) -> None:
        story = self.story
        story.title("The minute is over (the clock is put forward): another function takes the entry away")
        self.stack.tick(minutes=2, function="revoker")
        keep(story.mail("about the end"), f"{story.number}-revoked")
        story.notices("revoked", "audit")
        if self.all_entries() != self.entries:
            raise Failure(f"the entries should be those of before, {self.entries}, and are {self.all_entries()}")
        self.must_be_refused("identity is not mapped")
        self.must_be("revoked")
        card = shown.message(self.card())
        say(framed([*card[: card.index(f"Cluster: {CLUSTER}")], "[…]"]))
        history = self.get("history")["history"]
        if [record["action"] for record in history] != AUDIT:
            raise Failure(f"not the audit that was expected: {json.dumps(history, indent=1)}")
        say("\n  Sam is refused again. The audit, as the table has it, the functions' logs and whoever subscribes:\n")
        for record in history:
            who = f"{record['actor']['kind']} {record['actor']['id']}"
            say(f"    {record['at']}  {record['action']:10} {who:20}  {record['reason']}")

    def must_be(self, state: str) -> None:
        if (is_so := self.get()["request"]["state"]) != state:
            raise Failure(f"the request should be {state}, and is {is_so}")

    def must_be_refused(self, why: str) -> None:
        if (login := self.stack.would_log_in(ROLE)) != {"refused": why}:
            raise Failure(f"Sam should not get in: {login}")
