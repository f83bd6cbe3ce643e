using System.CommandLine;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// <c>fpn completion SHELL</c>: a script with which a shell completes the command's verbs and options. The script asks the command
/// itself, by the directive [suggest:POSITION] of System.CommandLine.
/// </summary>
internal static class CompletionCommand
{
    private const string Notes = """
        Examples:
          source <(fpn completion bash)
              In ~/.bashrc; for zsh the same in ~/.zshrc, with zsh.
          fpn completion fish > ~/.config/fish/completions/fpn.fish
          fpn completion pwsh | Out-String | Invoke-Expression
              In $PROFILE.
        """;

    private const string Bash = """
        _fpn() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$(fpn "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o bashdefault -o default -F _fpn fpn
        """;

    private const string Zsh = """
        _fpn() {
          local -a found
          found=("${(@f)$(fpn "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
          compadd -- $found
          _files
        }
        compdef _fpn fpn
        """;

    private const string Fish = """
        complete -c fpn -a '(fpn "[suggest:"(commandline -C)"]" (commandline) 2>/dev/null)'
        """;

    private const string PowerShell = """
        Register-ArgumentCompleter -Native -CommandName fpn -ScriptBlock {
          param($word, $line, $position)
          fpn "[suggest:$position]" "$line" 2>$null | Where-Object { $_ -like "$word*" } |
            ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
        }
        """;

    private static readonly Dictionary<string, string> Scripts = new()
    {
        ["bash"] = Bash,
        ["zsh"] = Zsh,
        ["fish"] = Fish,
        ["pwsh"] = PowerShell,
    };

    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh, fish or pwsh." };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        var command = new Command("completion", "Prints a script with which a shell completes verbs and options.") { shell };
        HelpWithExamples.AddTo(command, Notes);
        command.SetAction(parsed => Console.Out.WriteLine(Scripts[parsed.GetRequiredValue(shell)]));
        return command;
    }
}
