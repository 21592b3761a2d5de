"""The live line: what it says, when it says it, and that it never harms the search."""

import io

import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV
from skhpt.ledger import Ledger
from skhpt.progress import LiveLine, announcement
from skhpt.trial import Outcome, Status


class Clock:
    """Stands still until it is told."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    """Knows what a reader would see of what was written, and how often it was redrawn."""

    def isatty(self):
        return True

    def seen(self):
        """The lines of the screen; a carriage return overwrites from the left."""
        lines = []
        for written in self.getvalue().split("\n"):
            line = ""
            for text in written.split("\r"):
                line = text + line[len(text) :]
            lines.append(line.rstrip())
        return lines

    def drawings(self):
        return self.getvalue().count("\r")


class BrokenPipe(io.StringIO):
    """Loses its reader after `n` writes."""

    def __init__(self, n, is_terminal):
        super().__init__()
        self.left = n
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal

    def write(self, text):
        self.left -= 1
        if self.left < 0:
            raise BrokenPipeError("nobody reads")
        return super().write(text)


class Search:
    """A ledger that is filled by hand, with a clock that every fit advances."""

    def __init__(self, n_trials, n_folds=2, stream=None, **options):
        self.ledger = Ledger(n_folds)
        self.clock = Clock()
        self.stream = Terminal() if stream is None else stream
        self.line = LiveLine(n_trials, n_folds, self.stream, self.clock, **options)

    def fit(self, trial, fold, score=0.5, seconds=1.0, error=None):
        self.clock.now += seconds
        scores = {} if error else {"score": score}
        self.ledger.record(Outcome(trial, fold, scores, seconds, 0.0, error=error))
        return self.line(self.ledger)

    def run(self, scores, seconds=1.0):
        """Trials with all their folds, one after the other."""
        for score in scores:
            trial = self.ledger.add({}).index
            for fold in range(self.ledger.n_folds):
                self.fit(trial, fold, score, seconds)
            self.ledger.close(trial, Status.COMPLETE)


def test_the_look_of_it():
    search = Search(n_trials=50, n_folds=1)
    search.run([0.5, 0.91234, 0.7, 0.91234], seconds=10)
    assert search.stream.seen() == [
        "4/50 configurations | best 0.9123 (#1) | 0:40 elapsed, 7:40 to go"
    ]
    search.line.close(search.ledger, "n_iter reached")
    assert search.stream.seen() == [
        "4/50 configurations | best 0.9123 (#1) | 0:40 elapsed, n_iter reached",
        "",
    ]


def test_nothing_is_returned_that_could_stop_a_search():
    search = Search(n_trials=2)
    search.ledger.add({})
    assert not search.fit(0, 0)


def test_before_a_configuration_is_done_there_is_no_best():
    search = Search(n_trials=3, n_folds=2)
    search.ledger.add({})
    search.fit(0, 0)
    assert search.stream.seen() == ["0/3 configurations | 0:01 elapsed, 0:05 to go"]


def test_a_drawing_leaves_nothing_of_a_longer_one():
    search = Search(n_trials=3, n_folds=1)
    search.run([-123.4567], seconds=1800.0)
    assert search.stream.seen() == [
        "1/3 configurations | best -123.4567 (#0) | 30:00 elapsed, 1:00:00 to go"
    ]
    search.run([-0.5, 0.5], seconds=1.0)
    assert search.stream.seen() == [
        "3/3 configurations | best 0.5000 (#2) | 30:02 elapsed, 0:00 to go"
    ]


def test_a_terminal_is_redrawn_five_times_a_second_at_most():
    search = Search(n_trials=1000, n_folds=1)
    search.run([0.5] * 1000, seconds=0.01)
    assert 10 <= search.stream.drawings() <= 51


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (100, "1/50 configurations | best 0.5000 (#0) | 0:10 elapsed, 8:10 to go"),
        (60, "1/50 configurations | best 0.5000 (#0)"),
        (30, "1/50 configurations"),
        (9, "1/50 con"),
    ],
)
def test_a_line_fits_the_terminal(monkeypatch, columns, shown):
    monkeypatch.setattr("skhpt.progress._width", lambda stream: columns)
    search = Search(n_trials=50, n_folds=1)
    search.run([0.5], seconds=10)
    assert search.stream.seen() == [shown]


def test_a_stream_without_a_width_is_taken_for_80_columns():
    search = Search(n_trials=10**9, n_folds=1)
    search.run([-123.4567], seconds=10_000_000)
    assert max(map(len, search.stream.seen())) < 80


# -- where lines stay ----------------------------------------------------------------------


def test_a_log_gets_the_first_a_few_and_the_last():
    search = Search(n_trials=100, n_folds=1, stream=io.StringIO())
    search.run([0.5] * 100, seconds=1.0)
    search.line.close(search.ledger, "n_iter reached")
    lines = search.stream.getvalue().splitlines()
    assert lines[0] == "1/100 configurations | best 0.5000 (#0) | 0:01 elapsed, 1:39 to go"
    assert lines[-1] == "100/100 configurations | best 0.5000 (#0) | 1:40 elapsed, n_iter reached"
    assert 5 <= len(lines) <= 10
    assert "\r" not in search.stream.getvalue()


def test_a_night_of_search_is_a_page_of_log():
    search = Search(n_trials=5000, n_folds=1, stream=io.StringIO())
    search.run([0.5] * 5000, seconds=7.2)  # ten hours
    assert 60 <= len(search.stream.getvalue().splitlines()) <= 80


def test_a_short_search_is_two_lines_of_log():
    search = Search(n_trials=30, n_folds=5, stream=io.StringIO())
    search.run([0.5] * 30, seconds=0.01)
    search.line.close(search.ledger, "n_iter reached")
    assert len(search.stream.getvalue().splitlines()) == 2


def test_the_default_is_the_standard_error_output(capsys):
    ledger = Ledger(1)
    line = LiveLine(1, 1)
    ledger.add({})
    line(ledger)
    line.close(ledger, "interrupted")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("0/1 configurations | 0:00 elapsed, interrupted\n")


# -- the numbers ---------------------------------------------------------------------------


def test_the_best_is_a_complete_configuration_that_may_win():
    search = Search(n_trials=9, n_folds=2)
    search.run([0.5])
    baseline = search.ledger.add({}, eligible=False).index
    raced, failed, infinite, running = (search.ledger.add({}).index for _ in range(4))
    search.fit(baseline, 0, 0.9)
    search.fit(baseline, 1, 0.9)
    search.ledger.close(baseline, Status.COMPLETE)
    search.fit(raced, 0, 0.8)
    search.ledger.close(raced, Status.RACED)
    search.fit(failed, 0, 0.8)
    search.fit(failed, 1, error="Traceback")
    search.ledger.close(failed, Status.FAILED)
    search.fit(infinite, 0, float("inf"))
    search.fit(infinite, 1, 0.8)
    search.fit(running, 0, 0.8)
    assert search.stream.seen()[0].startswith("5/9 configurations | best 0.5000 (#0) | ")
    search.fit(running, 1, 0.8)
    assert search.stream.seen()[0].startswith("6/9 configurations | best 0.8000 (#5) | ")


def test_of_equals_the_first_proposed_in_whatever_order_they_end():
    search = Search(n_trials=2, n_folds=1)
    search.ledger.add({})
    search.ledger.add({})
    search.fit(1, 0, 0.5)
    assert "(#1)" in search.stream.seen()[0]
    search.fit(0, 0, 0.5)
    assert "(#0)" in search.stream.seen()[0]


def test_a_failed_metric_has_no_name_and_no_best():
    search = Search(n_trials=2, n_folds=1)
    search.ledger.add({})
    search.clock.now += 1
    search.ledger.record(Outcome(0, 0, {}, 1.0, 0.0))
    search.line(search.ledger)
    assert search.stream.seen() == ["1/2 configurations | 0:01 elapsed, 0:01 to go"]


@pytest.mark.parametrize(
    ("score", "shown"),
    [
        (0.91, "0.9100"),
        (1.0, "1.0000"),
        (0.0, "0.0000"),
        (-12.34567, "-12.3457"),
        (-2987.123456, "-2987.1"),
        (-1234567.8, "-1.2346e+06"),
        (-0.000123456, "-0.00012346"),
    ],
)
def test_a_score_has_the_digits_that_tell_it_from_the_next(score, shown):
    search = Search(n_trials=2, n_folds=1)
    search.run([score])
    assert f"best {shown} (#0)" in search.stream.seen()[0]


def test_trials_that_end_before_their_last_fold_make_the_rest_cheaper():
    search = Search(n_trials=4, n_folds=4)
    search.run([0.5])
    raced = search.ledger.add({}).index
    search.fit(raced, 0)
    search.fit(raced, 1)
    search.ledger.close(raced, Status.RACED)
    search.line(search.ledger)
    search.ledger.add({})
    search.fit(2, 0)
    # 6 fits for 2 trials, thus 3 each: 6 for two more, of which 1 is done
    assert search.stream.seen()[0].endswith("0:07 elapsed, 0:05 to go")


def test_workers_count_by_the_time_on_the_wall():
    search = Search(n_trials=10, n_folds=1)
    for _ in range(4):
        search.ledger.add({})
    for trial, seconds in enumerate([10.0, 0.0, 0.0, 0.0]):  # all four at once
        search.fit(trial, 0, seconds=seconds)
    search.line.close(search.ledger)
    fresh = Search(n_trials=10, n_folds=1)
    fresh.ledger, fresh.clock.now = search.ledger, fresh.clock.now + 10.0
    fresh.line(fresh.ledger)
    assert fresh.stream.seen()[0].endswith("0:10 elapsed, 0:15 to go")


def test_what_an_earlier_run_has_left_says_nothing_about_the_pace():
    search = Search(n_trials=4, n_folds=1, n_fits_before=2)
    clock = search.clock.now
    search.run([0.5, 0.6])
    search.clock.now = clock
    search.run([0.7], seconds=30.0)
    assert search.stream.seen()[0].endswith("0:30 elapsed, 0:30 to go")


@pytest.mark.parametrize(
    ("n_trials", "deadline", "shown"),
    [
        (None, None, "1 configurations | best 0.5000 (#0) | 0:10 elapsed, ? to go"),
        (None, 60, "1 configurations | best 0.5000 (#0) | 0:10 elapsed, at most 0:50 to go"),
        (3, 60, "1/3 configurations | best 0.5000 (#0) | 0:10 elapsed, 0:20 to go"),
        (99, 60, "1/99 configurations | best 0.5000 (#0) | 0:10 elapsed, 0:50 to go"),
        (99, 5, "1/99 configurations | best 0.5000 (#0) | 0:10 elapsed, 0:00 to go"),
        (2000, None, "1/2000 configurations | best 0.5000 (#0) | 0:10 elapsed, 5:33:10 to go"),
    ],
)
def test_the_expected_end(n_trials, deadline, shown):
    search = Search(n_trials=n_trials, n_folds=1, deadline_seconds=deadline)
    search.run([0.5], seconds=10)
    assert search.stream.seen() == [shown]


def test_trials_that_the_ledger_forgets_are_forgotten():
    search = Search(n_trials=5, n_folds=2)
    search.run([0.5])
    for _ in range(3):
        search.ledger.add({})
    search.fit(1, 0)
    search.ledger.withdraw_unrun()
    search.ledger.close(1, Status.STOPPED)
    search.line.close(search.ledger, "interrupted")
    assert search.stream.seen()[0].startswith("2/5 configurations | best 0.5000 (#0) | ")


# -- the end -------------------------------------------------------------------------------


def test_an_error_finds_a_line_of_its_own():
    search = Search(n_trials=5)
    search.ledger.add({})
    search.fit(0, 0)
    search.line.close(search.ledger)
    assert search.stream.getvalue().endswith("to go\n")
    before = search.stream.getvalue()
    search.line(search.ledger)
    search.line.close(search.ledger, "twice")
    assert search.stream.getvalue() == before, "closed is closed"


def test_nothing_shown_leaves_nothing():
    search = Search(n_trials=5)
    search.line.close(search.ledger)
    assert search.stream.getvalue() == ""


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("n", [0, 1])
def test_a_line_that_nobody_reads_does_not_end_the_search(n, is_terminal):
    search = Search(n_trials=5, stream=BrokenPipe(n, is_terminal))
    search.run([0.5] * 5, seconds=20)
    search.line.close(search.ledger, "n_iter reached")
    assert search.stream.getvalue().count("configurations") == n


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_reader_that_leaves_at_the_end_does_not_end_the_search(is_terminal):
    search = Search(n_trials=1, n_folds=1, stream=BrokenPipe(1, is_terminal))
    search.run([0.5])
    search.line.close(search.ledger, "n_iter reached")
    assert search.stream.getvalue().count("configurations") == 1


@pytest.mark.parametrize("closed_first", [False, True])
def test_a_closed_stream_does_not_end_the_search(closed_first):
    stream = io.StringIO()
    if closed_first:
        stream.close()
    search = Search(n_trials=5, stream=stream)
    stream.close()
    search.run([0.5] * 5)
    search.line.close(search.ledger, "n_iter reached")


def test_no_standard_error_output_is_no_line(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)  # a program without a console
    ledger = Ledger(1)
    line = LiveLine(1, 1)
    ledger.add({})
    line(ledger)
    line.close(ledger, "n_iter reached")


def test_the_announcement_has_scikit_learns_words_where_nothing_ends_early():
    said = "Fitting 3 folds for each of 4 candidates, totalling 12 fits"
    assert announcement(4, 3, races=False) == said
    assert announcement(4, 3, races=True) == said.replace("3 folds", "up to 3 folds")
    assert announcement(None, 3, races=False) == "Fitting 3 folds for each of the candidates"


def test_a_race_that_cannot_be_run_is_said_to_be_off():
    assert "racing is off" in announcement(4, 3, races=False, wanted=True)
    assert "racing is off" not in announcement(4, 1, races=False, wanted=True)
    for races in (False, True):
        assert "racing is off" not in announcement(4, 3, races=races, wanted=races)


@pytest.mark.parametrize(
    "options", [{"refit": lambda results: 0}, {"refit": "one_se"}, {"scoring": ["accuracy"]}]
)
def test_where_no_mean_score_decides_a_search_says_that_it_does_not_race(capsys, options):
    search = BayesSearchCV(
        DecisionTreeClassifier(),
        {"max_depth": [1, 2]},
        cv=2,
        verbose=1,
        **{"refit": False, **options},
    ).fit(*load_iris(return_X_y=True))
    assert "racing is off" in capsys.readouterr().out
    assert "n_splits_evaluated" not in search.cv_results_
