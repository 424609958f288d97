"""What policy says of something, in the words of the screens."""

from __future__ import annotations

import time

from calmtui.actions.gate import Judgement
from calmtui.governance.approvals import LIVE
from calmtui.governance.decide import Answer


def verdict(judgement: Judgement) -> tuple[str, bool]:
    """What policy says of a plan and what can be done about it; whether it refuses the plan as it is."""
    denied = judgement.denied
    if judgement.answer is Answer.ALLOWED:
        by = f"policy: allowed by {', '.join(judgement.rules)}"
        by += f" · standard change {judgement.standard}" if judgement.standard else ""
        by += f" · approval {judgement.request.id}" if judgement.request else ""
        some = f" · {len(denied)} denied: {'; '.join(sorted(set(denied.values())))}" if denied else ""
        return by + some, bool(denied)
    if judgement.answer is Answer.APPROVAL and judgement.request is not None:
        standing = judgement.request.standing(time.time())
        return f"policy: {judgement.why_not} · approval {judgement.request.id} is {standing}", True
    return f"policy: {judgement.why_not}", True


def waits(judgement: Judgement) -> bool:
    """Whether an approval is asked for that something can still become of."""
    return judgement.request is not None and judgement.request.standing(time.time()) in LIVE
