"""Properties of the choice of the next batch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from data.words import Account, Job, JobState, Prompt, Tier
from generator.batcher import choose


def _job(number: int, aspect: str | None, count: int, crashes: int, *, retry: bool) -> Job:
    return Job(
        id=number,
        mention_id=number,
        platform="sandbox",
        source_id=str(number),
        account=Account(platform="sandbox", user_id="1", handle="ada"),
        tier=Tier.FREE,
        prompt=Prompt(wish="a fox", aspect=aspect, count=count),
        seed=1,
        photo=None,
        state=JobState.RETRYABLE if retry else JobState.AVAILABLE,
        reason=None,
        attempts=0,
        crashes=crashes,
        created_at=0,
        claimed_at=None,
        finished_at=None,
    )


@st.composite
def _lines(draw: st.DrawFn) -> list[Job]:
    facts = st.tuples(
        st.sampled_from([None, "16:9", "9:16"]),
        st.integers(1, 5),
        st.sampled_from([0, 0, 0, 1, 2]),
        st.sampled_from([False, False, True]),
    )
    return [
        _job(3 * number, aspect, count, crashes, retry=retry)
        for number, (aspect, count, crashes, retry) in enumerate(
            draw(st.lists(facts, min_size=1, max_size=12))
        )
    ]


def _key(job: Job) -> str | None:
    return job.prompt.aspect


def _chosen(line: list[Job], largest: int) -> list[Job]:
    by_id = {job.id: job for job in line}
    return [by_id[number] for number in choose(line, largest=largest, key=_key)]


@given(_lines(), st.integers(1, 8))
def test_the_head_goes_first_and_the_order_is_kept(line: list[Job], largest: int) -> None:
    chosen = choose(line, largest=largest, key=_key)
    assert chosen[0] == line[0].id
    assert chosen == sorted(set(chosen))


@given(_lines(), st.integers(1, 8))
def test_never_more_pictures_than_fit_unless_one_job_alone(line: list[Job], largest: int) -> None:
    chosen = _chosen(line, largest)
    assert len(chosen) == 1 or sum(job.prompt.count for job in chosen) <= largest


@given(_lines(), st.integers(1, 8))
def test_one_key_and_no_suspects_among_others(line: list[Job], largest: int) -> None:
    chosen = _chosen(line, largest)
    assert len({_key(job) for job in chosen}) == 1
    suspects = [job for job in chosen if job.crashes or job.state is JobState.RETRYABLE]
    assert not suspects or len(chosen) == 1


@given(_lines(), st.integers(1, 8))
def test_whoever_would_have_fitted_was_taken(line: list[Job], largest: int) -> None:
    chosen = _chosen(line, largest)
    head = line[0]
    if head.crashes or head.state is JobState.RETRYABLE:
        return
    pictures = sum(job.prompt.count for job in chosen)
    for job in line:
        innocent = not job.crashes and job.state is JobState.AVAILABLE
        if job not in chosen and innocent and _key(job) == _key(head):
            assert pictures + job.prompt.count > largest


def test_one_that_asks_for_too_many_is_passed_over() -> None:
    line = [_job(n, None, count, 0, retry=False) for n, count in enumerate([2, 3, 1, 1, 1])]
    assert choose(line, largest=4, key=_key) == [0, 2, 3]
