"""What is measured of every night: the list that profiles, comparisons and the reference page share."""

from __future__ import annotations

from spark_jobs.recommender.monitoring.drift import Kind

MEASURES: dict[str, tuple[Kind, str]] = {
    "events": ("count", "Events of the last day; also by event type."),
    "users": ("count", "Users with events on the last day."),
    "items": ("count", "Items with events on the last day."),
    "records": ("count", "Records that landed."),
    "refused": ("share", "Share of the landed records that went to quarantine."),
    "duplicates": ("share", "Share of the landed records that repeat others."),
    "late": ("share", "Share of the events that landed whose day was over before the last one began."),
    "largest_user": ("share", "Share of the last day's events by the user with most of them: a robot?"),
    "new_users": ("share", "Share of the last day's users without earlier events."),
    "unknown_items": ("share", "Share of the last day's events on items that the catalogue lacks."),
    "without_value": ("share", "Share of the last day's events without a value."),
    "event_types": ("histogram", "Mix of event types."),
    "hours": ("clock", "Hours of the day of the events: times that are off by a zone."),
    "values": ("histogram", "Values of events, by halves of powers of two."),
    "categories": ("histogram", "Most specific categories of the items of the events."),
    "events_per_user": ("histogram", "Events per user, by powers of two."),
    "lists": ("count", "Users with a list tonight."),
    "coverage": ("share", "Share of the eligible items that first ten places of tonight's lists reach."),
    "largest_item": ("share", "Share of first ten places with the item that is there most often."),
    "churn": ("share", "Share of first ten places that changed from what was served before."),
    "margins": ("histogram", "Score of the first place less that of the tenth; of each model version by itself."),
    "sources": ("histogram", "First sources behind the places of tonight's lists."),
    "listed_categories": ("histogram", "Most specific categories of the items in first ten places."),
}
"""Kind and meaning of every measure."""
