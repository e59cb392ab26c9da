"""The grading policy as documented: averages of percentages, padded, the lowest dropped, weighted."""


class CourseGrader:
    def __init__(self, policy):
        self._policy = policy

    def grade(self, sheet):
        total, sections, breakdown = 0.0, [], {}
        for rule in self._policy:
            name = rule["type"]
            scores = list(sheet.get(name, {}).values())
            marks = [score.percent_graded for score in scores]
            marks += [0.0] * (rule["min_count"] - len(marks))
            sections += [{"percent": mark, "category": name} for mark in marks]
            ranked = sorted(enumerate(marks), key=lambda pair: (-pair[1], pair[0]))
            dropped = {place for place, _ in ranked[len(ranked) - rule["drop_count"] :]}
            average = 0.0
            for place, mark in enumerate(marks):
                if place not in dropped:
                    average += mark
            if len(marks) > rule["drop_count"]:
                average /= len(marks) - rule["drop_count"]
            if not rule.get("hide_average"):
                sections.append({"percent": average, "category": name, "prominent": True})
            breakdown[name] = {"percent": average * rule["weight"], "category": name}
            total += average * rule["weight"]
        return {"percent": total, "section_breakdown": sections, "grade_breakdown": breakdown}
