"""The suites themselves: each mistake that they promise to find is found, by the test that is named after it."""

from decimal import Decimal

import pytest
from pydantic import BaseModel, Field

from conferral.contract import (
    Artifact,
    Decision,
    Enrolment,
    Fact,
    Generator,
    Kind,
    LearningContext,
    Need,
    Options,
    PermanentError,
    Person,
    Processor,
    Progress,
    Share,
)
from conferral.contract.testing import GatewaySuite, GeneratorSuite, MemoryLMS, ProcessorSuite

COURSE = LearningContext("course-v1:Demo+CS101+2026", Kind.COURSE, "Introduction to Computing")


class Threshold(Options):
    required: Share = Field(Decimal("0.5"), description="What has to be reached.")


class Half(Processor[Threshold]):
    """Right in everything; those below get one thing wrong."""

    label = "Half"
    needs = frozenset({Need.COMPLETION})
    Options = Threshold

    def example(self, options):
        return [Fact.share("completion", Decimal(1), options.required)]

    def decide(self, progress, options, gathered):
        return Decision.on(Fact.share("completion", progress.completion, options.required))


class WithoutItsNeed(Half):
    needs = frozenset()


class WithoutFacts(Half):
    def decide(self, progress, options, gathered):
        return Decision()


class WithAMemory(Half):
    def __init__(self):
        self.seen = set()

    def decide(self, progress, options, gathered):
        again = progress.learner in self.seen
        self.seen.add(progress.learner)
        return Decision.on(Fact("again", "yes" if again else "no", "no", met=not again))


class Spending(Half):
    def gather(self, context, page, options, lms):
        return {"seats": 1}

    def decide(self, progress, options, gathered):
        gathered["seats"] += 1
        return super().decide(progress, options, None)


class FirstOfThePage(Half):
    def gather(self, context, page, options, lms):
        return [progress.learner for progress in page][:10]

    def decide(self, progress, options, gathered):
        first = progress.learner in gathered
        return Decision.on(Fact("first", "yes" if first else "no", "yes", met=first))


class OneByOne(Half):
    def gather(self, context, page, options, lms):
        return [lms.people([progress.learner]) for progress in page]


class WithoutExample(Half):
    def example(self, options):
        return ()


class WithAnotherExample(Half):
    def example(self, options):
        return [Fact("progress", "1", "0.5", met=True)]


class WithAnUnmetExample(Half):
    def example(self, options):
        return [Fact.share("completion", Decimal(0), Decimal("0.5"))]


class Undescribed(Threshold):
    extra: int = 1


class Inner(BaseModel):
    undescribed: int = 1


class NestedUndescribed(Threshold):
    inner: Inner = Field(Inner(), description="Described, but what is in it is not.")


class Tuple(Threshold):
    pair: tuple[int, int] = Field((1, 2), description="A pair.")


class Lenient(Threshold, extra="ignore"):
    pass


class Forgetful(Threshold):
    secret: str = Field("", description="Not written out.", exclude=True)


def half(shape):
    return type("OtherHalf", (Half,), {"Options": shape})


def processor_suite(plugin, options=None):
    class Suite(ProcessorSuite):
        processor = plugin
        examples = [
            (options or {"required": "0.5"}, Progress("ana", completion=Decimal("0.5")), True),
            (options or {"required": "0.5"}, Progress("bo", completion=Decimal("0.49")), False),
        ]

    return Suite()


class Drawn(Options):
    text: str = Field("x", description="A text.")


class Picture(Generator[Drawn]):
    """Right in everything; those below get one thing wrong."""

    label = "Picture"
    Options = Drawn

    def prepare(self, options, assets):
        return options

    def generate(self, prepared, request):
        return [self.artifact(request)]

    def artifact(self, request):
        return Artifact(f"{request.slot}.txt", "text/plain", request.snapshot.name.encode())


class Nothing(Picture):
    def generate(self, prepared, request):
        return []


class Broken(Picture):
    def artifact(self, request):
        return Artifact(f"{request.slot}.pdf", "application/pdf", request.snapshot.name.encode())


class Both(Picture):
    def artifact(self, request):
        return Artifact(f"{request.slot}.txt", "text/plain", b"x", url="https://badges.example/1")


class Neither(Picture):
    def artifact(self, request):
        return Artifact(f"{request.slot}.txt", "text/plain")


class InAFolder(Picture):
    def artifact(self, request):
        return Artifact(f"{request.slot}/x.txt", "text/plain", b"x")


class ByTheSameName(Picture):
    def artifact(self, request):
        return Artifact("credential.txt", "text/plain", b"x")


class Counting(Picture):
    count = 0

    def artifact(self, request):
        self.count += 1
        return Artifact(f"{request.slot}.txt", "text/plain", f"{request.snapshot.name} {self.count}".encode())


class InLatin1(Picture):
    def artifact(self, request):
        return Artifact(f"{request.slot}.txt", "text/plain", request.snapshot.name.encode("latin-1"))


class WithoutReason(Picture):
    def artifact(self, request):
        if "王" in request.snapshot.name:
            raise PermanentError("")
        return super().artifact(request)


class WithoutDrafts(Picture):
    def generate(self, prepared, request):
        return [] if request.draft else super().generate(prepared, request)


def generator_suite(plugin):
    class Suite(GeneratorSuite):
        generator = plugin

    return Suite()


LEARNERS = ("ana", "bo", "cy")


def memory(cls=MemoryLMS, context=COURSE):
    progress = [Progress(key, completion=Decimal("0.5")) for key in LEARNERS]
    return cls([context], {context.key: progress}, [Person(key) for key in LEARNERS], page_size=2)


class Repeating(MemoryLMS):
    def progress(self, context, needs, learners=None):
        for page in super().progress(context, needs, learners):
            yield page
            yield page


class EverybodyForNobody(MemoryLMS):
    def progress(self, context, needs, learners=None):
        return super().progress(context, needs, learners or None)


class DifferentWhenChosen(MemoryLMS):
    def progress(self, context, needs, learners=None):
        for page in super().progress(context, needs, learners):
            yield [Progress(one.learner, Enrolment("audit")) for one in page] if learners else page


class InPercent(MemoryLMS):
    def progress(self, context, needs, learners=None):
        for page in super().progress(context, needs, learners):
            yield [Progress(one.learner, completion=Decimal(50)) for one in page]


class MakingUpPeople(MemoryLMS):
    def people(self, keys):
        return [Person(key) for key in keys]


class DescribingAnything(MemoryLMS):
    def describe(self, key):
        return LearningContext(key, Kind.COURSE, "Whatever")


def gateway_suite(lms):
    class Suite(GatewaySuite):
        gateway = lms
        known_key = COURSE.key
        learners = LEARNERS

    return Suite()


def failures(suite):
    """The names of the suite's tests that fail."""
    found = set()
    for name in dir(suite):
        if name.startswith("test_"):
            try:
                getattr(suite, name)()
            except AssertionError:
                found.add(name)
    return found


@pytest.mark.parametrize(
    "suite",
    [processor_suite(Half()), generator_suite(Picture()), gateway_suite(memory())],
    ids=lambda s: type(s).__mro__[1],
)
def test_what_is_right_passes(suite):
    assert failures(suite) == set()


@pytest.mark.parametrize(
    ("suite", "test"),
    [
        (processor_suite(WithoutItsNeed()), "test_examples_are_decided_as_expected"),
        (processor_suite(WithoutFacts()), "test_decisions_have_facts"),
        (processor_suite(WithAMemory()), "test_decide_is_pure"),
        (processor_suite(Spending()), "test_decide_is_pure"),
        (processor_suite(FirstOfThePage()), "test_a_subset_is_decided_like_the_whole"),
        (processor_suite(OneByOne()), "test_a_page_costs_a_constant_number_of_calls"),
        (processor_suite(WithoutExample()), "test_the_example_qualifies"),
        (processor_suite(WithAnotherExample()), "test_the_example_qualifies"),
        (processor_suite(WithAnUnmetExample()), "test_the_example_qualifies"),
        (processor_suite(half(Undescribed)()), "test_options_have_descriptions"),
        (processor_suite(half(NestedUndescribed)()), "test_options_have_descriptions"),
        (processor_suite(half(Tuple)()), "test_options_have_no_tuples"),
        (processor_suite(half(Lenient)()), "test_unknown_options_are_refused"),
        (processor_suite(half(Forgetful)(), {"secret": "x"}), "test_options_survive_json"),
        (generator_suite(Nothing()), "test_artifacts_open"),
        (generator_suite(Broken()), "test_artifacts_open"),
        (generator_suite(Both()), "test_an_artifact_is_a_file_or_an_address"),
        (generator_suite(Neither()), "test_an_artifact_is_a_file_or_an_address"),
        (generator_suite(InAFolder()), "test_file_names_are_plain_and_unique"),
        (generator_suite(ByTheSameName()), "test_file_names_are_plain_and_unique"),
        (generator_suite(Counting()), "test_the_same_request_gives_the_same_bytes"),
        (generator_suite(WithoutDrafts()), "test_drafts_are_made"),
        (generator_suite(WithoutReason()), "test_names_in_many_scripts"),
        (gateway_suite(memory(Repeating)), "test_progress_has_each_learner_once"),
        (gateway_suite(memory(EverybodyForNobody)), "test_chosen_learners_have_the_same_progress"),
        (gateway_suite(memory(DifferentWhenChosen)), "test_chosen_learners_have_the_same_progress"),
        (gateway_suite(memory(InPercent)), "test_figures_are_shares"),
        (gateway_suite(memory(MakingUpPeople)), "test_unknown_learners_are_left_out"),
        (gateway_suite(memory(DescribingAnything)), "test_an_unknown_context_is_none"),
    ],
)  # fmt: skip
def test_a_mistake_is_found(suite, test):
    assert test in failures(suite)


def test_another_exception_than_a_permanent_error_is_found():
    with pytest.raises(AssertionError, match=r"UnicodeEncodeError.* instead of a PermanentError$"):
        generator_suite(InLatin1()).test_names_in_many_scripts()
