"""Conformance suites for plugins: subclass one as `Test…` in pytest, fill in its attributes, and its tests are yours.

The built-in plugins pass the same suites. Nothing here needs pytest, Django or a database.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import cycle
from typing import Any, TypeAlias
from unittest import SkipTest
from xml.etree import ElementTree as ET

from conferral.contract import (
    LMS,
    Artifact,
    Decision,
    Generator,
    Kind,
    Known,
    LearningContext,
    Need,
    Options,
    OptionsError,
    PermanentError,
    Person,
    Processor,
    Progress,
)
from conferral.contract.options import assets_in, parse
from conferral.contract.sample import sample_request

EVERYTHING = frozenset(Need)
PAGE = 50
"""Learners on the page that a processor is tried with."""

UNKNOWN_OPTION = "there-is-no-such-option"

NAMES = (
    "Ana Ñandú",
    "Łukasz Wiśniewski",
    "Γιάννης Παπαδόπουλος",
    "Надежда Кузнецова",
    "عبد الله بن محمد",
    "נועה לוי",
    "क्षितिज शर्मा",
    "สมชาย ใจดี",
    "王小明",
    "さくら 山田",
    "김민준",
    "ᏣᎳᎩ",
    "Sam 🎓",
    "Zoe\u0308 D’Arcy",  # decomposed, and a typographer's apostrophe
    "می\u200cخواهم",  # a joiner that draws nothing
    "<b>Bobby</b> & \"Quotes\" 'n' {braces} #let x = $1$ \\end",
    "Tab\x0bVertical",
    "A",
    "Maximiliana " * 20,
)
"""Names that a generator prints, or refuses with a PermanentError."""

Example: TypeAlias = tuple[Mapping[str, Any], Progress, bool]
"""Options, a learner's progress, and whether that learner is eligible."""


class MemoryLMS(LMS):
    """A gateway in memory: `progress` by context key. It tells only what is asked for, as a real source does.

    `calls` counts by method what a real source would answer, each page of progress as one. `staff` holds the pairs of
    user and context key for `may`.
    """

    label = "In memory"
    tells = frozenset(Need)

    def __init__(
        self,
        contexts: Iterable[LearningContext] = (),
        progress: Mapping[str, Sequence[Progress]] | None = None,
        people: Iterable[Person] = (),
        *,
        staff: Collection[tuple[Any, str]] = (),
        page_size: int = 100,
    ) -> None:
        self.contexts_by_key = {context.key: context for context in contexts}
        self.learners = {key: list(members) for key, members in (progress or {}).items()}
        self.persons = {person.key: person for person in people}
        self.staff = staff
        self.page_size = page_size
        self.calls: Counter[str] = Counter()

    def describe(self, key: str) -> LearningContext | None:
        """The context that it was made with."""
        self.calls["describe"] += 1
        return self.contexts_by_key.get(key)

    def progress(
        self, context: LearningContext, needs: frozenset[Need], learners: Collection[str] | None = None
    ) -> Iterator[Sequence[Progress]]:
        """Pages of `page_size`, without the figures that `needs` does not name."""
        found = [
            progress.only(needs)
            for progress in self.learners.get(context.key, ())
            if learners is None or progress.learner in learners
        ]
        self.calls["progress"] += 1
        for start in range(0, len(found), self.page_size):
            self.calls["progress"] += start > 0
            yield found[start : start + self.page_size]

    def people(self, keys: Collection[str]) -> Sequence[Person]:
        """Those of the people that it was made with."""
        self.calls["people"] += 1
        return [person for key, person in self.persons.items() if key in keys]

    def may(self, user: Any, key: str) -> bool:
        """Whether that pair is among `staff`."""
        self.calls["may"] += 1
        return (user, key) in self.staff

    def contexts(self, text: str = "", *, taught_by: Any = None, most: int = 20) -> Sequence[Known]:
        """Those it was made with; taught are those that `staff` names."""
        self.calls["contexts"] += 1
        found = [
            Known(context.key, context.name)
            for context in self.contexts_by_key.values()
            if text.casefold() in f"{context.key} {context.name}".casefold()
            and (taught_by is None or (taught_by, context.key) in self.staff)
        ]
        return found[:most]


class MemoryAssets:
    """Assets from a mapping of slugs to bytes."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = contents

    def read(self, slug: str) -> bytes:
        """The bytes; a PermanentError when the suite's `assets` do not have them."""
        if slug not in self.contents:
            raise PermanentError(f"asset {slug!r}: is not among the suite's assets: {', '.join(self.contents)}")
        return self.contents[slug]


class OptionsSuite:
    """What every plugin's options have to stand. The suites of processors and generators include it."""

    def shape(self) -> type[Options]:
        """The plugin's Options."""
        raise NotImplementedError

    def accepted(self) -> Sequence[Mapping[str, Any]]:
        """Options that the plugin accepts, as they stand in YAML."""
        raise NotImplementedError

    def parsed(self, options: Mapping[str, Any]) -> Options:
        """The options as Conferral hands them to the plugin."""
        return parse(self.shape(), dict(options), "options")

    def test_options_survive_json(self) -> None:
        """An edition keeps them as JSON: what is read back is equal."""
        for given in self.accepted():
            options = self.parsed(given)
            as_text = self.shape().model_validate_json(options.model_dump_json())
            assert as_text == options, f"{given}: became {as_text} through JSON"
            as_plain = self.parsed(options.model_dump(mode="json"))
            assert as_plain == options, f"{given}: became {as_plain} through plain values"

    def test_unknown_options_are_refused(self) -> None:
        """A misspelt option is an error that names it."""
        for given in self.accepted():
            refusal = ""
            try:
                self.parsed({**given, UNKNOWN_OPTION: 1})
            except OptionsError as error:
                refusal = str(error)
            assert UNKNOWN_OPTION in refusal, f"{UNKNOWN_OPTION!r}: {refusal or 'was accepted'}"

    def test_options_have_descriptions(self) -> None:
        """The form, the API's schema and the reference page say what each field means."""
        schema = self.shape().model_json_schema()
        for where, node in [(self.shape().__name__, schema), *schema.get("$defs", {}).items()]:
            for name, field in node.get("properties", {}).items():
                assert field.get("description"), f"{where}.{name} has no description"

    def test_options_have_no_tuples(self) -> None:
        """The form cannot draw them, and JSON does not keep them: use a list."""
        assert '"prefixItems"' not in json.dumps(self.shape().model_json_schema()), f"{self.shape().__name__}: a tuple"


class ProcessorSuite(OptionsSuite):
    """A processor, tried with `examples`: those who are eligible and those who are not, at and around each threshold.

    Override `context` for a pass mark, `people` for names and addresses, `gateway` for anything else.
    """

    processor: Processor[Any]
    examples: Sequence[Example]
    context = LearningContext("course-v1:Demo+CS101+2026", Kind.COURSE, "Introduction to Computing", "Demo")
    people: Sequence[Person] = ()

    def shape(self) -> type[Options]:
        """The processor's."""
        found: type[Options] = self.processor.Options
        return found

    def accepted(self) -> Sequence[Mapping[str, Any]]:
        """The examples'."""
        assert self.examples, "the suite needs examples"
        return [options for options, _, _ in self.examples]

    def gateway(self, members: Sequence[Progress]) -> MemoryLMS:
        """A source in which those take part; people who are not in `people` have a name and an address made up."""
        known = {person.key: person for person in self.people}
        keys = [progress.learner for progress in members]
        made_up = [Person(key, f"Name of {key}", f"{key}@example.org") for key in keys if key not in known]
        return MemoryLMS([self.context], {self.context.key: members}, [*known.values(), *made_up])

    def decide(self, options: Options, members: Sequence[Progress]) -> dict[str, Decision]:
        """The decisions on one page, by learner, each looked at through what the processor says it needs."""
        lms = self.gateway(members)
        decided: dict[str, Decision] = {}
        for page in lms.progress(self.context, self.processor.needs_of(options)):
            gathered = self.processor.gather(self.context, page, options, lms)
            decided |= {one.learner: self.processor.decide(one, options, gathered) for one in page}
        return decided

    def page(self, first: Progress) -> list[Progress]:
        """A page that begins with that learner; the others are the examples' over and over, under other keys."""
        others = cycle(progress for _, progress, _ in self.examples)
        return [first, *(replace(next(others), learner=f"{first.learner}-{number}") for number in range(2, PAGE + 1))]

    def test_examples_are_decided_as_expected(self) -> None:
        """The rule is what its author says. A figure whose Need is not declared is missing here, as in a run."""
        for given, progress, expected in self.examples:
            decision = self.decide(self.parsed(given), [progress])[progress.learner]
            assert decision.eligible is expected, f"{given}, {progress}: {decision.reason or decision}"

    def test_decisions_have_facts(self) -> None:
        """Whoever is refused can be told why."""
        for given, progress, _ in self.examples:
            decision = self.decide(self.parsed(given), [progress])[progress.learner]
            assert decision.facts, f"{given}, {progress}: a decision without facts"

    def test_decide_is_pure(self) -> None:
        """The same answer again, whoever was asked about in between; nothing that it was given has changed."""
        for given, progress, _ in self.examples:
            options, page = self.parsed(given), self.page(progress)
            gathered = self.processor.gather(self.context, page, options, self.gateway(page))
            before = repr((page, options, gathered))
            forwards = [self.processor.decide(one, options, gathered) for one in page]
            backwards = [self.processor.decide(one, options, gathered) for one in reversed(page)]
            assert forwards == backwards[::-1], f"{given}: another answer when asked again"
            assert repr((page, options, gathered)) == before, f"{given}: decide changed what it was given"

    def test_a_subset_is_decided_like_the_whole(self) -> None:
        """Whoever shares the page, a learner's decision is the same."""
        for given, progress, _ in self.examples:
            options, page = self.parsed(given), self.page(progress)
            whole = self.decide(options, page)
            for learner, decision in self.decide(options, page[::3]).items():
                assert decision == whole[learner], f"{given}: {learner} alone: {decision}; among all: {whole[learner]}"

    def test_a_page_costs_a_constant_number_of_calls(self) -> None:
        """`gather` asks for a page at once, never for each learner."""
        for given, progress, _ in self.examples:
            options = self.parsed(given)
            alike = [progress, *(replace(progress, learner=f"{progress.learner}-{n}") for n in range(2, PAGE + 1))]
            counted = []
            for page in (alike[:1], alike):
                lms = self.gateway(page)
                self.processor.gather(self.context, page, options, lms)
                counted.append(dict(lms.calls))
            assert counted[0] == counted[1], f"{given}: one learner: {counted[0]}; {PAGE} learners: {counted[1]}"

    def test_the_example_qualifies(self) -> None:
        """Previews show it, and texts may name its figures: everybody who is eligible has each of them."""
        for given, progress, eligible in self.examples:
            options = self.parsed(given)
            example = self.processor.example(options)
            assert example, f"{given}: example() has no facts, so no text could say {{evidence.KEY}}"
            assert all(fact.met for fact in example), f"{given}: example() has an unmet fact: {example}"
            if eligible:
                there = {fact.key for fact in self.decide(options, [progress])[progress.learner].facts}
                missing = {fact.key for fact in example} - there
                assert not missing, f"{given}: example() has {missing}, which the decision on {progress} has not"


class GeneratorSuite(OptionsSuite):
    """A generator with `options` that use every asset in `assets`. Override `check_opens` for other media types."""

    generator: Generator[Any]
    options: Mapping[str, Any] = {}
    assets: Mapping[str, bytes] = {}

    def shape(self) -> type[Options]:
        """The generator's."""
        found: type[Options] = self.generator.Options
        return found

    def accepted(self) -> Sequence[Mapping[str, Any]]:
        """The suite's."""
        return [self.options]

    def prepare(self) -> Any:
        """What the generator prepares for a batch."""
        return self.generator.prepare(self.parsed(self.options), MemoryAssets(self.assets))

    def check_opens(self, artifact: Artifact) -> None:
        """That the file is what its media type says; raises when it is not."""
        content = artifact.content or b""
        match artifact.media_type:
            case "application/pdf":
                assert content.startswith(b"%PDF-"), f"{artifact.filename} is no PDF"
            case "image/svg+xml":
                root = ET.fromstring(content)  # noqa: S314 - the generator's own file  # nosec B314
                assert root.tag.endswith("svg"), f"{artifact.filename} is no SVG: {root.tag}"

    def test_named_assets_are_accepted(self) -> None:
        """The generator's own check lets through what the options name."""
        for reference in assets_in(self.parsed(self.options)):
            self.generator.check_asset(reference.kind, MemoryAssets(self.assets).read(reference))

    def test_artifacts_open(self) -> None:
        """There is one at least, and each is what its media type says."""
        made = self.generator.generate(self.prepare(), sample_request())
        assert made, "the generator made nothing"
        for artifact in made:
            assert artifact.media_type.count("/") == 1, f"{artifact.filename}: media type {artifact.media_type!r}"
            if artifact.content is not None:
                self.check_opens(artifact)

    def test_an_artifact_is_a_file_or_an_address(self) -> None:
        """Content or an address, one of the two; a receipt that JSON can hold."""
        for artifact in self.generator.generate(self.prepare(), sample_request()):
            assert bool(artifact.content) != bool(artifact.url), f"{artifact.filename}: needs content or url, not both"
            assert not artifact.url or artifact.url.startswith(("https://", "http://")), (
                f"{artifact.filename}: {artifact.url}"
            )
            receipt = dict(artifact.receipt)
            assert json.loads(json.dumps(receipt)) == receipt, f"{artifact.filename}: receipt {receipt} is not JSON"

    def test_file_names_are_plain_and_unique(self) -> None:
        """Names without a folder; different ones in each slot, because a credential's files share one address."""
        prepared = self.prepare()
        named = [
            artifact.filename
            for slot in ("certificate", "badge")
            for artifact in self.generator.generate(prepared, sample_request(slot=slot))
        ]
        assert len(set(named)) == len(named), f"file names are there twice: {named}; build them from request.slot"
        for name in named:
            assert name, "a file name is empty"
            assert name not in (".", ".."), f"{name!r} names a folder"
            assert not set(name) & set("/\\\0"), f"{name!r} has a folder in it"

    def test_the_same_request_gives_the_same_bytes(self) -> None:
        """Whatever was made in between, and by whichever worker."""
        if not self.generator.deterministic:
            raise SkipTest("the generator does not promise it: deterministic is off")
        prepared = self.prepare()
        first = list(self.generator.generate(prepared, sample_request()))
        self.generator.generate(prepared, sample_request(name="Sam Other"))
        assert list(self.generator.generate(prepared, sample_request())) == first, "the second time differs"
        assert list(self.generator.generate(self.prepare(), sample_request())) == first, "prepared anew, it differs"

    def test_drafts_are_made(self) -> None:
        """Previews and the check when a type is saved."""
        drafts = self.generator.generate(self.prepare(), sample_request(draft=True))
        assert drafts, "nothing was made for a draft"
        for artifact in drafts:
            if artifact.content is not None:
                self.check_opens(artifact)

    def test_names_in_many_scripts(self) -> None:
        """Each comes out, or is refused with a PermanentError that says why."""
        prepared = self.prepare()
        for name in NAMES:
            made: Sequence[Artifact] = ()
            refusal = ""
            try:
                made = self.generator.generate(prepared, sample_request(name=name))
            except PermanentError as error:
                refusal = str(error)
            except Exception as error:
                raise AssertionError(f"{name!r}: {error!r} instead of a PermanentError") from error
            assert made or refusal, f"{name!r}: nothing was made, and no reason given"
            for artifact in made:
                if artifact.content is not None:
                    self.check_opens(artifact)


class GatewaySuite:
    """A gateway that knows the context `known_key`, in which exactly `learners` take part: three at least.

    Set a page size below their number, where the gateway has one, to have more than one page looked at. Where it tells
    who teaches, `teacher` is a user who teaches `known_key`; `stranger` teaches nothing.
    """

    gateway: LMS
    known_key: str
    unknown_key = "course-v1:Nobody+Has+This"
    learners: Collection[str]
    unknown_learner = "nobody-has-this-username"
    teacher: Any = None
    stranger: Any = None

    def known(self) -> LearningContext:
        """The known context, described."""
        context = self.gateway.describe(self.known_key)
        assert context is not None, f"{self.known_key} is not known"
        return context

    def everybody(self, needs: frozenset[Need] = EVERYTHING, learners: Collection[str] | None = None) -> list[Progress]:
        """The progress of those learners in the known context; of all when none are given."""
        return [progress for page in self.gateway.progress(self.known(), needs, learners) for progress in page]

    def test_it_has_a_label(self) -> None:
        """Messages name it."""
        assert self.gateway.label, "label is empty"

    def test_a_known_context_is_described(self) -> None:
        """Under the key that was asked for, with a name, a share for a pass mark, and aware instants."""
        context = self.known()
        assert context.key == self.known_key, f"asked for {self.known_key}, got {context.key}"
        assert context.name, "the context has no name"
        assert context.pass_mark is None or 0 <= context.pass_mark <= 1, f"pass mark {context.pass_mark} is no share"
        for instant in (context.start, context.end):
            assert instant is None or instant.tzinfo is not None, f"{instant} has no time zone"

    def test_an_unknown_context_is_none(self) -> None:
        """No exception: the caller says what is wrong."""
        assert self.gateway.describe(self.unknown_key) is None, f"{self.unknown_key} is known"

    def test_progress_has_each_learner_once(self) -> None:
        """Everybody who takes part, on pages that are not empty, whatever is asked for."""
        for needs in (EVERYTHING, frozenset[Need]()):
            pages = [list(page) for page in self.gateway.progress(self.known(), needs)]
            assert all(pages), "a page is empty"
            found = Counter(progress.learner for page in pages for progress in page)
            twice = [learner for learner, count in found.items() if count > 1]
            assert not twice, f"there more than once: {twice}"
            assert set(found) == set(self.learners), f"differ: {set(found) ^ set(self.learners)}"

    def test_chosen_learners_have_the_same_progress(self) -> None:
        """A subset is the whole without the others; nobody chosen is nobody, not everybody."""
        chosen = sorted(self.learners)[::2]
        whole = {progress.learner: progress for progress in self.everybody()}
        found = {progress.learner: progress for progress in self.everybody(learners=chosen)}
        assert found == {learner: whole[learner] for learner in chosen}, "chosen learners differ from the whole"
        assert self.everybody(learners=[]) == [], "asked for nobody, answered with somebody"

    def test_figures_are_shares(self) -> None:
        """Completion and grades are from 0 to 1, exact."""
        for progress in self.everybody():
            grades = progress.grades
            shares = [progress.completion, *([grades.total, *grades.by_category.values()] if grades else [])]
            for share in shares:
                assert share is None or (isinstance(share, Decimal) and 0 <= share <= 1), f"{progress}: {share!r}"

    def test_people_are_known(self) -> None:
        """Each learner once, under the key that progress has; nobody else."""
        found = [person.key for person in self.gateway.people(self.learners)]
        assert sorted(found) == sorted(self.learners), f"asked for {sorted(self.learners)}, got {sorted(found)}"
        assert list(self.gateway.people([])) == [], "asked for nobody, answered with somebody"

    def test_unknown_learners_are_left_out(self) -> None:
        """No exception and no made-up person."""
        assert self.everybody(learners=[self.unknown_learner]) == [], "an unknown learner has progress"
        assert list(self.gateway.people([self.unknown_learner])) == [], "an unknown learner is a person"
        one = min(self.learners)
        found = [person.key for person in self.gateway.people([one, self.unknown_learner])]
        assert found == [one], f"asked for {one} and somebody unknown, got {found}"

    def test_contexts_are_suggested_by_key_and_by_name(self) -> None:
        """A part of either, whatever its case; each once, no more than were asked for; none of it is required."""
        context = self.known()
        if context.key not in {one.key for one in self.gateway.contexts(context.key)}:
            raise SkipTest("the gateway suggests no contexts")
        for text in (context.key[3:], context.name[:-1], context.name.upper()):
            found = [one.key for one in self.gateway.contexts(text)]
            assert context.key in found, f"{text!r} does not find {context.key}"
            assert len(set(found)) == len(found), f"{text!r}: there more than once: {found}"
        assert len(self.gateway.contexts(most=1)) <= 1, "more than were asked for"
        assert not self.gateway.contexts("no context is called like this"), "found by what it is not called"

    def test_what_is_taught_is_what_may_says(self) -> None:
        """A teacher's contexts are those that they may look into; a stranger has none."""
        for user in (self.teacher, self.stranger):
            if user is None:
                continue
            taught = {one.key for one in self.gateway.contexts(taught_by=user, most=10_000)}
            assert all(self.gateway.may(user, key) for key in taught), f"{user}: listed, and may not: {taught}"
            assert self.gateway.may(user, self.known_key) == (self.known_key in taught) == (user is self.teacher)
            assert self.gateway.contexts(self.unknown_key, taught_by=user) == [], "an unknown context is taught"
