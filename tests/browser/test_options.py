"""Options as a form: which one stands there when several were asked for at once."""

from contextlib import suppress

from playwright.sync_api import Error, expect

ADD = "/conferral/staff/conferral/credentialtype/add/"


def test_the_form_is_that_of_the_last_choice_however_the_answers_come(shared, visit):
    """Who chooses with the arrow keys passes others by, and the server answers for each."""
    visitor = visit(shared, "operator")
    page, asked = visitor.page, []

    def keep(route):
        asked.append(route)

    visitor.go(ADD)
    page.route("**/draw/processor_options/", keep)
    for rule in ("grades", "completion"):
        page.select_option("[name=processor]", rule)
    for route in asked:
        with suppress(Error):  # the first is not waited for any more
            route.continue_()
    form = page.locator("[data-options=processor_options]")
    expect(form).not_to_have_attribute("aria-busy", "true")
    expect(form.get_by_label("Required completion (%)")).to_be_visible()
    expect(form.get_by_label("Required grade (%)")).to_have_count(0)
