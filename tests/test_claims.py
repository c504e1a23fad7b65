from pgen.claims import differences


def test_differences_name_the_path_and_both_values():
    assert differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "d": 4}) == [
        "a.b: 1, now 3",
        "c: 2, now None",
        "d: None, now 4",
    ]
