"""Public records: folders of a submission.json and logs → rows beside the team's own, and everything that disagrees."""
