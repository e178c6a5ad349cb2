"""`ecostep completion bash|zsh`: what a shell needs to complete the verbs of `ecostep` and their options.

ecostep completion bash > ~/.local/share/bash-completion/completions/ecostep
ecostep completion zsh > ~/.zfunc/_ecostep      # with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc

Files are completed wherever no option is.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from ecostep.command import PROGRAM, VERBS, Verb

BASH = """\
# bash completion of {program}
_{program}() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}"
    local verbs="{verbs} --help --version"
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 ]]; then
        COMPREPLY=($(compgen -W "$verbs" -- "$word"))
        return
    fi
    [[ "$word" == -* || "${{COMP_WORDS[1]}}" == completion ]] || return
    local options=''
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
    COMPREPLY=($(compgen -W "$options" -- "$word"))
}}
complete -o default -o bashdefault -F _{program} {program}
"""

ZSH = """\
#compdef {program}
_{program}() {{
    local -a verbs options
    verbs=(
{verbs}
    )
    if (( CURRENT == 2 )); then
        _describe 'verb' verbs
        return
    fi
    case "$words[2]" in
{cases}
    esac
    if [[ "$words[CURRENT]" == -* ]]; then
        compadd -- $options
    else
        _files
    fi
}}
if [ "$funcstack[1]" = "_{program}" ]; then _{program} "$@"; else compdef _{program} {program}; fi
"""


def command_parser(program: str = f"{PROGRAM} completion") -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shell", choices=("bash", "zsh"))
    return parser


def main(arguments: Sequence[str] | None = None, program: str = f"{PROGRAM} completion") -> int:
    """Print the code for a shell; returns 0."""
    shell = command_parser(program).parse_args(arguments).shell
    sys.stdout.write(script(shell))
    return 0


def script(shell: str) -> str:
    """The code for 'bash' or 'zsh'."""
    by_verb = {verb: options_of(verb) for verb in VERBS}
    if shell == "bash":
        cases = "\n".join(f"        {verb.name}) options='{' '.join(words)}' ;;" for verb, words in by_verb.items())
        return BASH.format(program=PROGRAM, verbs=" ".join(verb.name for verb in VERBS), cases=cases)
    cases = "\n".join(f"        {verb.name}) options=({' '.join(words)}) ;;" for verb, words in by_verb.items())
    verbs = "\n".join(f'        "{verb.name}:{verb.does}"' for verb in VERBS)
    return ZSH.format(program=PROGRAM, verbs=verbs.replace("`", ""), cases=cases)


def options_of(verb: Verb) -> list[str]:
    """Options of a verb as words, `--out` and so on; of one whose packages are not installed, --help alone."""
    if verb.name == "completion":
        return ["bash", "zsh", "--help"]
    try:
        parser = importlib.import_module(verb.module).command_parser()
    except ModuleNotFoundError:
        return ["--help"]
    if verb.is_compiled:
        choices = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        parser = choices[0][verb.name]
    return [word for action in parser._actions for word in action.option_strings if word.startswith("--")]
