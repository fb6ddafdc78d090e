"""The kinds of findings, and in words what each means for a prediction and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Everything that an audit can find."""

    # Little's law and the think time
    TOO_MANY_REQUESTS = "too_many_requests"
    TOO_FEW_REQUESTS = "too_few_requests"
    REQUESTS_PER_WAIT = "requests_per_wait"
    NO_WAIT = "no_wait"
    THINK_TIME_VARIES = "think_time_varies"
    NOT_CONCURRENT = "not_concurrent"
    # Totals and rows
    COUNTED_TWICE = "counted_twice"
    TOTALS_DISAGREE = "totals_disagree"
    RATE_MISMATCH = "rate_mismatch"
    DATASETS_DISAGREE = "datasets_disagree"
    COPIED = "copied"
    HISTORY_DISAGREES = "history_disagrees"
    HISTORY_INCOMPLETE = "history_incomplete"
    # Failures
    FAILURES_DISAGREE = "failures_disagree"
    FAILURES_INVERTED = "failures_inverted"
    REJECTED = "rejected"
    MOSTLY_FAILED = "mostly_failed"
    NO_TIME = "no_time"
    SAME_FAILURE_SHARE = "same_failure_share"
    FAILURES_NOT_TIMEOUTS = "failures_not_timeouts"
    # Timeouts, pools and saturation
    TIMEOUT_EXCEEDED = "timeout_exceeded"
    PLATEAU = "plateau"
    POOL_NOT_EXHAUSTED = "pool_not_exhausted"
    SATURATED = "saturated"
    THROUGHPUT_FALLS = "throughput_falls"
    RESPONSE_FALLS = "response_falls"
    GENERATOR_LIMIT = "generator_limit"
    # The course of a test
    DRIFT = "drift"
    FROZEN = "frozen"
    STALL = "stall"
    USERS_MISSING = "users_missing"
    MOSTLY_RAMP = "mostly_ramp"
    SEVERAL_LEVELS = "several_levels"
    # What is sent
    COORDINATED_OMISSION = "coordinated_omission"
    RATE_NOT_REACHED = "rate_not_reached"
    RATE_EXCEEDED = "rate_exceeded"
    FORCED_FLOW = "forced_flow"
    SAME_LATENCY = "same_latency"
    # Figures that cannot be
    MEAN_IMPOSSIBLE = "mean_impossible"
    UNPRINTABLE = "unprintable"
    FEW_REQUESTS = "few_requests"
    # The recording
    CLOCK_BACKWARDS = "clock_backwards"
    CLOCK_HOLE = "clock_hole"
    ROWS_OUT_OF_ORDER = "rows_out_of_order"
    ROWS_SKIPPED = "rows_skipped"
    ROWS_DUPLICATED = "rows_duplicated"
    MACHINES_DIFFER = "machines_differ"


@dataclass(frozen=True, kw_only=True)
class Words:
    """What every finding of a kind says."""

    meaning: str
    remedy: str


def _words(meaning: str, remedy: str) -> Words:
    return Words(meaning=meaning, remedy=remedy)


WORDS: Mapping[Kind, Words] = {
    Kind.TOO_MANY_REQUESTS: _words(
        "A calibration would make the system faster than it is.",
        "Look whether rows were counted twice, more users ran, or users waited less.",
    ),
    Kind.TOO_FEW_REQUESTS: _words(
        "Some users sent nothing, hung, or waited longer: the load was less than the users say.",
        "Count the users that log in and finish requests; look for a hang or a busy generator.",
    ),
    Kind.REQUESTS_PER_WAIT: _words(
        "The documented think time, read as one wait per request, gives a load that is wrong by "
        "this factor.",
        "Count the requests of one task; set requests_per_wait.",
    ),
    Kind.NO_WAIT: _words(
        "The users did not think, so each of them loads the system as many thinking ones would.",
        "Look whether the class that ran has a wait time; set think_s = 0 if it has none.",
    ),
    Kind.THINK_TIME_VARIES: _words(
        "No single think law explains the levels, so what was learnt at one does not carry over.",
        "Look for several user classes, failed logins, a hang, or a generator at its limit.",
    ),
    Kind.NOT_CONCURRENT: _words(
        "The number of users is nominal: the system never saw so many at a time.",
        "Use the measured concurrency as users; give threads enough loops or a duration.",
    ),
    Kind.COUNTED_TWICE: _words(
        "The throughput is half of what the table says, and a calibration would believe double.",
        "Leave out the row Aggregated when adding up; use half the number.",
    ),
    Kind.TOTALS_DISAGREE: _words(
        "Total and rows cannot both be right, and a calibration uses both.",
        "Copy the total and the rows from one file again.",
    ),
    Kind.RATE_MISMATCH: _words(
        "Requests, duration and rate cannot all be right; the load is uncertain by as much.",
        "Find the time in which the requests were counted, and set duration_s to it.",
    ),
    Kind.DATASETS_DISAGREE: _words(
        "One of the sources is wrong, or they are not the same load test.",
        "Trust the file that the tool wrote over a table that someone typed.",
    ),
    Kind.HISTORY_DISAGREES: _words(
        "Total and history are of two runs, and a calibration uses both.",
        "Take the statistics and the history of one run, from the tool's own folder.",
    ),
    Kind.HISTORY_INCOMPLETE: _words(
        "The steady part is right for its own time; whether the rest was like it is not known.",
        "Take the whole history from its source again, if it was cut.",
    ),
    Kind.COPIED: _words(
        "Chance does not repeat itself so: one of the tests was not run, or not recorded.",
        "Look for the original files; leave the copy out.",
    ),
    Kind.FAILURES_DISAGREE: _words(
        "What share of the answers was useful is unknown; response times of failures are mixed in.",
        "Take the failures from the tool's own file.",
    ),
    Kind.FAILURES_INVERTED: _words(
        "Successes and failures are exchanged.",
        "In k6's old summary, `passes` of http_req_failed counts failures. Exchange them.",
    ),
    Kind.REJECTED: _words(
        "A request that is turned away does not do the work: response times flatter the system.",
        "Mend the login, the permission or the limit, or model the class with `rejected`.",
    ),
    Kind.MOSTLY_FAILED: _words(
        "A failure may do none of the work, or wait for nothing: what a useful answer takes is not "
        "in these figures.",
        "Mend what fails and test again; calibrate on tests whose requests succeed.",
    ),
    Kind.NO_TIME: _words(
        "An answer takes time, so nothing was sent, or the times were not recorded.",
        "Look whether the host was reached, and at the first error of the tool.",
    ),
    Kind.SAME_FAILURE_SHARE: _words(
        "Load does not cause these failures, so no capacity follows from them.",
        "Look at the test's data and permissions; model the share with `rejected`.",
    ),
    Kind.FAILURES_NOT_TIMEOUTS: _words(
        "A longer or shorter timeout would not cure these failures; they have another cause.",
        "Look at the failures by status, and at their answers.",
    ),
    Kind.TIMEOUT_EXCEEDED: _words(
        "Nothing cut requests off there: the timeout is elsewhere, longer, or not in force.",
        "Find which component should have ended the request, and its setting.",
    ),
    Kind.PLATEAU: _words(
        "The response time follows from users, throughput and think time alone; it is no evidence "
        "of a timeout.",
        "Ask what limits the throughput. The response time will change with the users.",
    ),
    Kind.POOL_NOT_EXHAUSTED: _words(
        "The pool was no limit at these loads, and a larger one would have changed nothing.",
        "Ask what stretches the hold time, or what else limits, before enlarging the pool.",
    ),
    Kind.SATURATED: _words(
        "Past the knee the response time says how many users there were; the throughput is the "
        "capacity.",
        "Keep it for the capacity, and test below the knee for the service times.",
    ),
    Kind.THROUGHPUT_FALLS: _words(
        "Overload makes the system slower (errors, contention, retries): a queue alone does not.",
        "Model the cause: an error path, locks, contention, or retries.",
    ),
    Kind.RESPONSE_FALLS: _words(
        "More load cannot make a queue faster: answers became cheaper, as fast rejections are.",
        "Compare the failures of the levels, and whether caches were cold at the first.",
    ),
    Kind.GENERATOR_LIMIT: _words(
        "The load generator or the network was the limit; the system's is not in the data.",
        "Give the generator more processes or machines, and test again.",
    ),
    Kind.DRIFT: _words(
        "The system was not in a steady state; one mean stands for several speeds.",
        "Test longer, find what grows, or give the scenario a `drift`.",
    ),
    Kind.FROZEN: _words(
        "Only answered requests count: mean and failures speak of the time before it hung.",
        "Use the part before; give the test a client timeout so that a hang counts as failure.",
    ),
    Kind.STALL: _words(
        "Waiting users send nothing, so the stall is one slow request each: percentiles hide it.",
        "Look at what happened then; judge the tail by the longest stall, not by p99.",
    ),
    Kind.USERS_MISSING: _words(
        "The load belongs to fewer users than the test names.",
        "Set users to what ran, or find out why the others did not (a failed login?).",
    ),
    Kind.MOSTLY_RAMP: _words(
        "The figures are of a mixture of loads, and of no steady state.",
        "Test longer at the full load, or give the figures of that part as `steady`.",
    ),
    Kind.SEVERAL_LEVELS: _words(
        "One mean and one p95 stand for several loads, and fit none of them.",
        "Make a load test of each level, from the tool's history.",
    ),
    Kind.COORDINATED_OMISSION: _words(
        "While the system was slow it was asked less often, so percentiles flatter it.",
        "Drive an open load (a rate) to see what independent users would see.",
    ),
    Kind.RATE_NOT_REACHED: _words(
        "The system was offered less than the test says; dropped requests have no response time.",
        "Count what was dropped; give the generator more users or connections.",
    ),
    Kind.RATE_EXCEEDED: _words(
        "The stated rate is not what was sent, so the load is larger than it says.",
        "Give requests/s, not iterations/s, or the users if the test had users and no rate.",
    ),
    Kind.FORCED_FLOW: _words(
        "The levels did not ask for the same mix, so they are not the same workload.",
        "Compare endpoints one by one, or give each level tasks of its own.",
    ),
    Kind.SAME_LATENCY: _words(
        "If they do different work, their time is spent in what they share: one queue, the "
        "network, or the generator. Endpoints then say no more than the total.",
        "Measure one endpoint alone at low load.",
    ),
    Kind.MEAN_IMPOSSIBLE: _words(
        "Mean and percentiles cannot be of the same requests.",
        "Look whether columns or units were mixed up, or the figures made up.",
    ),
    Kind.UNPRINTABLE: _words(
        "The figures were changed after the tool, or are another tool's.",
        "Copy them from the tool's file, or correct `tool`.",
    ),
    Kind.FEW_REQUESTS: _words(
        "Such a percentile is one or two requests, and would be another one next time.",
        "Leave it out, or test longer.",
    ),
    Kind.CLOCK_BACKWARDS: _words(
        "Durations and rates around the step are wrong.",
        "Look for a clock that was set, or files that were joined; cut there.",
    ),
    Kind.CLOCK_HOLE: _words(
        "The machine slept, rows are missing, or all users waited: rates over it are too low.",
        "Look at what happened then, and cut there.",
    ),
    Kind.ROWS_OUT_OF_ORDER: _words(
        "Usual where rows are written when requests end; what reads the file must sort it.",
        "None needed; capsim sorts by start.",
    ),
    Kind.ROWS_SKIPPED: _words(
        "The counts are too low by what could not be read.",
        "Look at the damaged rows, and take the file from its source again.",
    ),
    Kind.ROWS_DUPLICATED: _words(
        "The throughput is too high by the copies.",
        "Look whether a file was joined with itself.",
    ),
    Kind.MACHINES_DIFFER: _words(
        "One set of service times cannot fit them all.",
        "Make a dataset of each machine.",
    ),
}
