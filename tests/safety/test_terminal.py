from pgen.safety.terminal import printable


def test_control_characters_are_replaced_and_line_breaks_stay():
    assert printable("a\n\x1b[31mred\x1b[0m\r\x07\x9b31m\u202e") == "a\n�[31mred�[0m���31m�"
