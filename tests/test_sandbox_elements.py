"""What AWS says of Action, Resource, Condition and variables holds in the sandbox as in the evaluator."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from support.case_files import cases_in
from support.sandbox_matching import all_matched

FOLDERS = ("actions", "conditions", "resources", "variables")


def test_every_case_of_these_elements_holds_in_the_sandbox() -> None:
    cases = [{**case, "folder": path.parts[0]} for path, case in cases_in(*FOLDERS)]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        answers = process.submit(all_matched, cases).result()
    wrong = [case["title"] for case, answer in zip(cases, answers, strict=True) if answer != case["expected"]]

    assert len(cases) > 300
    assert wrong == []
