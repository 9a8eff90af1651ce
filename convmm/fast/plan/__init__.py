"""What is decided about a call before any array is touched: the route, the tiles, the tasks."""

from convmm.fast.plan.call import Call, Sum, work_of
from convmm.fast.plan.limits import LIMITS, Limits
from convmm.fast.plan.routes import Plan, Route, is_whole, plan_for

__all__ = ["LIMITS", "Call", "Limits", "Plan", "Route", "Sum", "is_whole", "plan_for", "work_of"]
