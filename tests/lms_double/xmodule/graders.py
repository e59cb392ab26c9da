"""The grading policy as documented: averages of percentages, padded, the lowest dropped, weighted."""


def grader_from_conf(conf):
    return WeightedSubsectionsGrader([(AssignmentFormatGrader(rule), rule.get("weight", 0)) for rule in conf])


class WeightedSubsectionsGrader:
    """Weights are taken as they are: they may add up to more than one."""

    def __init__(self, subgraders):
        self.subgraders = subgraders

    def grade(self, grade_sheet, generate_random_scores=False):
        percent, sections, breakdown = 0.0, [], {}
        for grader, weight in self.subgraders:
            average, entries = grader.grade(grade_sheet)
            weighted = average * weight
            percent += weighted
            sections += entries
            detail = f"{grader.type} = {weighted:.2%} of a possible {weight:.2%}"
            breakdown[grader.type] = {"percent": weighted, "detail": detail, "category": grader.type}
        return {"percent": percent, "section_breakdown": sections, "grade_breakdown": breakdown}


class AssignmentFormatGrader:
    """One assignment type."""

    def __init__(self, rule):
        self.type = rule["type"]
        self.category = rule.get("category") or self.type
        self.name = rule.get("section_type") or self.type
        self.label = rule.get("short_label") or self.type
        self.min_count = int(float(rule["min_count"]))
        self.drop_count = rule["drop_count"]
        self.show_only_average = rule.get("show_only_average", False)
        self.hide_average = rule.get("hide_average", False)

    def grade(self, grade_sheet):
        """The average, and the entries to show: each subsection, then the average marked as prominent."""
        scores = list(grade_sheet.get(self.type, {}).values())
        marks = [score.percent_graded for score in scores]
        marks += [0.0] * (self.min_count - len(scores))
        dropped = self._dropped(marks)
        average = 0.0
        for place, mark in enumerate(marks):  # no `sum`, which from Python 3.12 on rounds floats otherwise
            if place not in dropped:
                average += mark
        if len(marks) > self.drop_count:
            average /= len(marks) - self.drop_count
        if len(marks) == 1:
            # The subsection is the average: one entry, even where averages are hidden.
            return average, [self._entry(average, self.label, f"{self.name} = {average:.2%}", prominent=True)]
        entries = []
        if not self.show_only_average:
            for place, mark in enumerate(marks):
                detail = self._detail(place, scores[place] if place < len(scores) else None)
                entry = self._entry(mark, f"{self.label} {place + 1:02d}", detail)
                if place in dropped:
                    entry["mark"] = {"detail": f"The lowest {self.drop_count} {self.name} scores are dropped."}
                entries.append(entry)
        if not self.hide_average:
            detail = f"{self.name} Average = {average:.2%}"
            entries.append(self._entry(average, f"{self.label} Avg", detail, prominent=True))
        return average, entries

    def _dropped(self, marks):
        """The places of the lowest; of equals, the later ones."""
        ranked = sorted(range(len(marks)), key=lambda place: (-marks[place], place))
        return set(ranked[max(len(ranked) - self.drop_count, 0) :])

    def _detail(self, place, score):
        if score is None:
            return f"{self.name} {place + 1} Unreleased - 0% (?/?)"
        earned, possible = score.graded_total.earned, score.graded_total.possible
        share = f"{score.percent_graded:.2%} ({float(earned):.3n}/{float(possible):.3n})"
        return f"{self.name} {place + 1} - {score.display_name} - {share}"

    def _entry(self, percent, label, detail, **more):
        return {"percent": percent, "label": label, "detail": detail, "category": self.category, **more}
