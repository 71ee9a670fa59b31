"""What one subscriber's link carries: the send-side estimate of bandwidth.

Transport-wide feedback says when each sent packet arrived. From that: a delay that grows means that
the path is overused, and the estimate falls to 0.85 of what arrives; much loss lowers it too; else
it grows slowly, never far beyond what was proven, and probes make it jump. A receiver without
feedback is judged by the loss of its reception reports alone. After draft-ietf-rmcat-gcc-02, whose
parts are in the files beside this one.

The subscriber is a stranger: whatever it reports, the estimate stays within Rate's bounds, no more
is believed to have arrived than was sent, and a call costs time in proportion to the packets that a
feedback names (at most 8192, see `twcc`).
"""

from __future__ import annotations

from operator import sub

from sfu.core.estimation.delay import MIN_QUEUE_S, DelayDetector
from sfu.core.estimation.loss import HIGH, LOW, LossBound
from sfu.core.estimation.overuse import Usage
from sfu.core.estimation.probing import ProbeCluster, Prober, ProbeResult
from sfu.core.estimation.queue import QueueDelay
from sfu.core.estimation.rate import BACKOFF, UNPROVEN, Rate
from sfu.core.estimation.sent_log import Acknowledged, SendLog
from sfu.core.estimation.throughput import Throughput
from sfu.core.rtp.packets import TransportFeedback

START_RTT_S = 0.1
MAX_RTT_S = 3.0
RTT_SMOOTHING = 0.25
MIN_FALL_S, MAX_FALL_S = 0.05, 0.09  # between two falls: the RTT; GCC: 10 to 200 ms
FAST_S = 0.05  # a queue this long that does not drain is overuse, whatever the trend says
DRAINING_S = 0.002  # by which a queue that drains is shorter at the next feedback
PAUSE, AT_ONCE = 0.8, 2.0  # of the queue, in arrivals; times the estimate: the link is not slow
OUTRUN, OUTRUN_S = 1.15, 0.2  # times what arrives, sent in so long: the path is full
STANDING_S = 0.06  # a queue this long that stays is overuse, though its trend be flat
EFFECT_S = 1.0  # after a fall what it did to the queue counts
DRAINS = 0.9  # of what it was: the queue gets shorter
STANDING_WAIT_S = 0.5  # plus the RTT: what it takes a queue to drain after a fall
STANDING_FALLS = 2  # without an effect: the path is longer, there is no queue
MAX_DELAY_STEP_S = 3.0  # libwebrtc: more is a stepped clock
SILENCE_S = 0.5  # plus two RTTs: no feedback though packets were sent
SILENCE_PACKETS = 10
LATE_S = 0.3  # between two looks, of which there are ten a second: this process stood still
SILENCE_FACTOR = 0.5
PLENTY = 1.3  # times what is wanted: more helps nobody
CLEAN_S = 3.0  # of clean reports
REPORTED_QUEUE_S = 0.1  # beyond the shortest round trip reported
FORGOTTEN = 1.01  # of that, with each report: a path may have become longer
FEEDBACK_AGE_S = 2.0  # without feedback for longer, reports count


class Estimator:
    """One subscriber's. The executor writes `log`; times are monotonic seconds, rates bit/s."""

    def __init__(self, now: float) -> None:
        self.log = SendLog()
        self.rtt_s = START_RTT_S
        self.loss = 0.0  # newest, 0..1
        self.overused = False  # at this moment: nothing should be added
        self._rate = Rate(now)
        self._wanted_bps = 0.0
        self._throughput = Throughput()
        self._detector = DelayDetector()
        self._queue = QueueDelay()
        self._loss_bound = LossBound()
        self._prober = Prober(now)
        self._newest = -1  # number acknowledged
        self._fell_number = -1  # the newest sent at the last fall: earlier loss is paid for
        self._delay: float | None = None  # of the newest packet, on the two clocks
        self._queue_s = 0.0  # at the newest feedback
        self._standing = 0  # falls because of a queue that stood
        self._standing_s = 0.0  # that queue
        self._standing_since = now
        self._next_count = 0  # of the feedback that follows
        self._feedback_at: float | None = None
        self._silence_at = now
        self._looked_at = now
        self._before_silence_bps = 0.0  # the estimate before it fell for one that lasts
        self._reported_at: float | None = None
        self._clean_since = now  # reports told of neither loss nor a queue
        self._least_rtt_s = MAX_RTT_S

    @property
    def bitrate_bps(self) -> float:
        """The estimate: what may be sent, all headers included."""
        return self._rate.bps

    @property
    def is_limited(self) -> bool:
        """More is wanted than may be sent."""
        return self._wanted_bps > self._rate.bps

    @property
    def queued_bps(self) -> float | None:
        """What came through when a queue last grew on the path; None: none ever did."""
        return self._rate.capacity_bps

    def set_wanted(self, bps: float, now: float) -> None:
        """What would be sent if there were room for all of it; probes reach for no more."""
        del now
        self._wanted_bps = bps

    def next_probe(self, now: float) -> ProbeCluster | None:
        """A cluster to send now, once: each of its packets is noted in `log` with its id.

        Where nothing was sent for a while, what was known of the path is old: Firefox reports no
        sound, so while its pictures are paused only a probe can tell.
        """
        if self._feedback_at is None:
            return None
        silent_s = now - self._feedback_at
        idle = silent_s > FEEDBACK_AGE_S and self.log.sent_bps(now, FEEDBACK_AGE_S) == 0
        noise_s = self._queue.noise_s
        waits = self._queue.value > max(FAST_S, noise_s)  # sound does, too
        troubled = self.overused or self._loss_bound.excess > HIGH or silent_s > SILENCE_S
        if (troubled or waits) and not idle:
            return None
        return self._prober.next(self._rate.bps, self._wanted_bps, noise_s, now)

    def receive_feedback(self, feedback: TransportFeedback, now: float) -> None:
        news = self.log.acknowledge(feedback, after=self._fell_number)
        after_gap = feedback.feedback_count != self._next_count
        self._next_count = feedback.feedback_count + 1 & 0xFF
        self._feedback_at = self._silence_at = now
        if self._before_silence_bps:
            self._end_silence(news, now)
        if news.numbers:
            self._measure_rtt(news.sent[-1], now)
            self._throughput.add(news, after_gap)
        usage = self._observe_delay(news)
        if news.numbers:
            self._newest = max(self._newest, news.numbers[-1])
        if self._queue.longest_s <= MIN_QUEUE_S and self._has_plenty(news):
            self._rest(now)
            return
        count, size = news.regular(self._fell_number)
        judged = self._loss_bound.add(count - news.found, news.lost - news.found, size, now)
        self.loss = self._loss_bound.loss
        self._decide(usage, now)
        if judged:
            self._obey_loss(now)
        result = self._prober.add(news, self.log) if self._prober.is_waiting else None
        if result is not None:
            self._learn(result, now)

    def _end_silence(self, news: Acknowledged, now: float) -> None:
        """Where what was sent turns out to have come, the receiver only had no time to say so."""
        before, self._before_silence_bps = self._before_silence_bps, 0.0
        if len(news.numbers) >= SILENCE_PACKETS and news.lost < LOW * len(news.numbers):
            self._rate.set(max(self._rate.bps, BACKOFF * before))
            self._rate.hold(now)

    def _has_plenty(self, news: Acknowledged) -> bool:
        """Nothing is lost, and the estimate is so far above what is wanted that growing is of no
        use.
        """
        return (
            self._rate.bps >= PLENTY * self._wanted_bps > 0
            and not (news.lost or news.found or self.loss or self._loss_bound.inherent)
            and not self._prober.is_waiting
        )

    def _rest(self, now: float) -> None:
        """Without a queue, without loss, with plenty of room there is nothing to decide."""
        self._loss_bound.restart()
        self._rate.hold(now)
        self.overused, self._queue_s, self._standing = False, self._queue.value, 0
        self._standing_since = now

    def receive_report(self, loss: float, rtt_s: float, now: float) -> None:
        """A reception report: the fraction lost of what was sent, 0..1.

        Without feedback nothing is ever proven: what stays clean may grow up to what is wanted, as
        libwebrtc does, but not while the round trip says that packets wait.
        """
        if rtt_s > 0:
            self.rtt_s = min(rtt_s, MAX_RTT_S)
        if self._feedback_at is not None and now - self._feedback_at < FEEDBACK_AGE_S:
            return
        before, self._reported_at = self._reported_at, now
        self.loss = loss
        self._least_rtt_s = min(self._least_rtt_s * FORGOTTEN, self.rtt_s)
        waits = self.rtt_s > self._least_rtt_s + REPORTED_QUEUE_S
        if loss >= LOW or waits:
            self._clean_since = now
        if loss > HIGH:
            if now - self._rate.fell_at > self.rtt_s:
                self._rate.fall_to(self._rate.bps * (1 - loss / 2), now)
        elif loss < LOW and not waits and before is not None:
            clean = now - self._clean_since > CLEAN_S
            unproven = self._wanted_bps / UNPROVEN if clean else 0.0
            self._rate.grow(max(self.log.sent_bps(now, 1.0), unproven), now)
        else:
            self._rate.hold(now)

    def handle_timeout(self, now: float) -> None:
        """To be called a few times a second."""
        self._prober.handle_timeout(self.log, self.rtt_s, now)
        late, self._looked_at = now - self._looked_at > LATE_S, now
        if late:
            self._silence_at = now
        silent = self._feedback_at is not None and now - self._silence_at
        if (
            silent
            and silent > SILENCE_S + 2 * self.rtt_s
            and self.log.highest - self._newest >= SILENCE_PACKETS
        ):
            self._silence_at = now - 2 * self.rtt_s
            self._before_silence_bps = max(self._before_silence_bps, self._rate.bps)
            self._rate.fall_to(self._rate.bps * SILENCE_FACTOR, now)

    def _measure_rtt(self, newest_sent_at: float, now: float) -> None:
        rtt = now - newest_sent_at
        if 0 < rtt < MAX_RTT_S:
            self.rtt_s += RTT_SMOOTHING * (rtt - self.rtt_s)

    def _observe_delay(self, news: Acknowledged) -> Usage:
        """Feed the trend with the media among the packets that no newer one has overtaken."""
        if news.probes:
            self._queue.see(news.delays_of_probes())
        sent, arrived = self._in_order(news)
        if not sent:
            return "normal"
        delays = list(map(sub, arrived, sent))
        before, self._delay = self._delay, delays[-1]
        if before is not None and abs(delays[-1] - before) > MAX_DELAY_STEP_S:
            self._queue.rebase(sent[-1])
            self._detector.reset()
        self._queue.add(delays, sent[-1])
        if self._queue.longest_s <= MIN_QUEUE_S:
            return self._detector.keep(sent, arrived)
        queued = self._queue.value > max(MIN_QUEUE_S, self._queue.noise_s)
        return self._detector.observe(sent, arrived, queued=queued)

    def _in_order(self, news: Acknowledged) -> tuple[list[float], list[float]]:
        """(sent, arrived) of the media that nothing sent later has overtaken: sound that goes
        twice may have come late.
        """
        sent, arrived = news.sent, news.arrived
        if not sent or (news.is_ordered and not news.probes and news.numbers[0] > self._newest):
            return sent, arrived
        kept: list[int] = []
        earliest = float("inf")
        for place in range(len(sent) - 1, -1, -1):
            if arrived[place] <= earliest:
                earliest = arrived[place]
                if news.numbers[place] >= self._newest and not (news.probes and news.probes[place]):
                    kept.append(place)
        kept.reverse()
        return [sent[place] for place in kept], [arrived[place] for place in kept]

    def _decide(self, usage: Usage, now: float) -> None:
        arriving, queue = self._throughput.bps(), self._queue.value
        noise = self._queue.noise_s
        change, self._queue_s = queue - self._queue_s, queue
        long = queue > max(FAST_S, noise)
        if (long or usage == "over") and self._stood_still(queue):
            self._detector.reset()
            long, usage = False, "normal"
        outruns = long and self._outruns(now)
        fast = long and (change > -DRAINING_S or outruns)
        self.overused = fast or (usage == "over" and change >= 0)
        stands = queue > max(STANDING_S, noise)
        if not stands:
            self._standing_since, self._standing = now, 0
        if self.overused:
            self._rate.hold(now)
            if self._may_fall(now, outruns=outruns):
                self._fall(now)
        elif stands:
            self._rate.hold(now)
            self._stand(queue, now)
        elif usage == "under" or not self._loss_bound.allows_growth or arriving is None:
            self._rate.hold(now)
        elif self._rate.grow(arriving, now):
            self._prober.hurry(now)

    def _stood_still(self, queue: float) -> bool:
        """Packets waited because a machine on the way, or the receiver's, stood still for so long:
        then they all came at once. From a slow link they come slowly.
        """
        pause_s = max(FAST_S, PAUSE * queue)
        return self._throughput.after_pause_bps(pause_s) > AT_ONCE * self._rate.bps

    def _outruns(self, now: float) -> bool:
        """Much more is sent, and may be sent, than comes through."""
        arriving = self._throughput.newest_bps()
        if arriving is None or self._rate.bps <= OUTRUN * arriving:
            return False
        return self.log.sent_bps(now, OUTRUN_S) > OUTRUN * arriving

    def _may_fall(self, now: float, *, outruns: bool) -> bool:
        """Not while the last fall has an effect, which is a shorter queue, and not for the queue
        that a probe makes.
        """
        if self._prober.is_waiting and self._queue_s < STANDING_S:
            return False
        since = now - self._rate.fell_at
        if outruns and since >= MIN_FALL_S:
            return True
        if since < min(max(self.rtt_s, MIN_FALL_S), MAX_FALL_S):
            return False
        return since > EFFECT_S or self._queue_s >= self._standing_s

    def _fall(self, now: float) -> None:
        arriving = self._throughput.newest_bps()
        self._rate.overused(self._rate.bps if arriving is None else arriving, now)
        self._standing_since, self._standing_s = now, self._queue_s
        self._start_over()

    def _stand(self, queue: float, now: float) -> None:
        """A long queue: if it does not get shorter less must be sent; if that does not help it is
        no queue, the path has become longer.
        """
        if queue < DRAINS * self._standing_s or self._standing_s < STANDING_S:
            self._standing_since, self._standing_s = now, queue
        if now - self._standing_since <= STANDING_WAIT_S + self.rtt_s:
            return
        self._standing += 1
        if self._standing > STANDING_FALLS:
            self._standing = 0
            self._queue.rebase(now)
        else:
            self._fall(now)

    def _start_over(self) -> None:
        """What was sent before a fall has no more to say about loss."""
        self._fell_number = self.log.highest
        self._loss_bound.restart()

    def _obey_loss(self, now: float) -> None:
        factor = self._loss_bound.fall(self.rtt_s, now)
        if factor < 1:
            self._rate.fall_to(self._rate.bps * factor, now)
            self._start_over()

    def _learn(self, result: ProbeResult, now: float) -> None:
        before = self._rate.bps
        self._rate.set(max(before, result.bps))
        self._prober.finish(self.log, result, before, now, self._rate.capacity_bps or 0.0)
