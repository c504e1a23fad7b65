#!/usr/bin/env bash
# Makes one of the checkout's environments: tools/setup.sh demo|test|bench|wheel|lerobot07|lerobot044|lerobot033
# Needs a network and a Python 3 of any age; fetches uv, and a Python of 3.12 or newer, only where none is found.
set -euo pipefail
cd "$(dirname "$0")/.."

works() { "$1" -c "import sys; sys.exit(sys.version_info < (3, $2))" >/dev/null 2>&1 </dev/null; }

# The shims of pyenv are on PATH for versions that are not chosen, and fail: so each candidate is run.
find_python() { # MINOR: the oldest Python 3 that will do
    local candidate pyenv="${PYENV_ROOT:-$HOME/.pyenv}/versions"
    for candidate in "${PYTHON:-}" python3.13 python3.12 \
        "$pyenv"/3.13*/bin/python3.13 "$pyenv"/3.12*/bin/python3.12 python3 python; do
        if [ -n "$candidate" ] && works "$candidate" "$1"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

find_uv() {
    if command -v uv; then return; fi
    if [ ! -x .cache/uv-env/bin/uv ]; then
        local python
        python=$(find_python 8) || { echo "setup: no Python 3 was found; install one, or uv." >&2; return 1; }
        rm -rf .cache/uv-env
        if ! "$python" -m venv .cache/uv-env >&2; then
            rm -rf .cache/uv-env
            echo "setup: $python cannot make environments; install its venv module" \
                "(on Debian: apt-get install python3-venv), or uv." >&2
            return 1
        fi
        .cache/uv-env/bin/python -m pip install --quiet --disable-pip-version-check uv >&2
    fi
    echo "$PWD/.cache/uv-env/bin/uv"
}

environment() { # FOLDER: make it where it is missing, or where its Python is gone
    local python
    if works "$1/bin/python" 12; then return; fi
    python=$(find_python 12) || python=3.12 # which uv then fetches
    "$uv" venv --quiet --clear --python "$python" "$1" || {
        echo "setup: no Python 3.12 or newer was found or fetched; install one, or name it: PYTHON=/path/to/python." >&2
        return 1
    }
}

install() { # FOLDER ARGUMENTS...
    local folder=$1
    shift
    # Former checkouts installed this project as `pgen`; beside `lerobot-pgen` it would register each plugin twice.
    "$uv" pip uninstall --quiet --python "$folder/bin/python" pgen
    "$uv" pip install --quiet --python "$folder/bin/python" "$@"
}

uv=$(find_uv)
# lerobot 0.3.3 reads data with the torch of 0.4.4, which saves a second download of gigabytes, and needs none of
# what it has for keyboards, cameras, viewers and logs.
overrides033() {
    printf '%s\n' av torch torchvision
    printf '%s ; python_version < "3"\n' opencv-python-headless pynput rerun-sdk torchcodec wandb
}
constrained=(--constraints constraints.txt --build-constraints constraints.txt)
case "${1:-}" in # most packages of these are never imported: compiling them takes longer than what is imported
lerobot* | wheel) ;;
*) export UV_COMPILE_BYTECODE=1 ;;
esac
case "${1:-}" in
demo)
    environment .venv
    install .venv "${constrained[@]}" --editable .
    ;;
test)
    environment .venv-test
    install .venv-test "${constrained[@]}" -r pyproject.toml --all-extras --group dev --editable .
    ;;
bench)
    environment .venv-bench
    install .venv-bench "${constrained[@]}" -r pyproject.toml --all-extras --group bench --editable .
    ;;
wheel)
    rm -rf dist .venv-wheel
    environment .venv-wheel
    "$uv" build --quiet --wheel --build-constraints constraints.txt --python .venv-wheel/bin/python --out-dir dist
    install .venv-wheel "${constrained[@]}" -r pyproject.toml --all-extras --group dev dist/*.whl
    # The newest version of everything, as a plain `pip install` takes it, with pandas for the tests; no torch.
    environment .venv-latest
    install .venv-latest --upgrade --reinstall-package lerobot-pgen -r pyproject.toml --group dev pandas dist/*.whl
    ;;
lerobot07)
    environment .venv-lerobot07
    install .venv-lerobot07 -r pyproject.toml --extra lerobot --extra transformers --group dev --editable . \
        'lerobot[dataset]>=0.7,<0.8'
    ;;
lerobot044)
    environment .venv-lerobot044
    # Its keyboard control is left out: that would be compiled here, and data need no keyboard.
    install .venv-lerobot044 --constraints constraints-lerobot044.txt \
        --overrides <(echo 'pynput ; python_version < "3"') lerobot==0.4.4
    ;;
lerobot033)
    environment .venv-lerobot033
    install .venv-lerobot033 --constraints constraints-lerobot033.txt --overrides <(overrides033) lerobot==0.3.3
    ;;
constraints)
    compile=("$uv" pip compile --quiet --universal --python-version 3.12 --no-header --no-annotate --upgrade)
    printf 'hatchling\neditables\n' | "${compile[@]}" pyproject.toml - --all-extras --group dev --group bench |
        sed 's/ *;.*//' >constraints.txt.new
    mv constraints.txt.new constraints.txt
    printf 'lerobot==0.4.4\npandas<3\n' | "${compile[@]}" - | sed 's/ *;.*//' >constraints-lerobot044.txt.new
    mv constraints-lerobot044.txt.new constraints-lerobot044.txt
    echo 'lerobot==0.3.3' | "${compile[@]}" - --overrides <(overrides033) \
        --constraints <(grep -E '^(av|torch|torchvision)==' constraints-lerobot044.txt) |
        sed 's/ *;.*//' >constraints-lerobot033.txt.new
    mv constraints-lerobot033.txt.new constraints-lerobot033.txt
    ;;
*)
    echo "usage: tools/setup.sh demo|test|bench|wheel|lerobot07|lerobot044|lerobot033|constraints" >&2
    exit 2
    ;;
esac
