using Spectre.Console;
using Spectre.Console.Rendering;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Standard output and standard error as a person sees them: results on the one, errors on the other, and a line of
/// progress that gives way to both. May be used from several threads.
/// </summary>
/// <param name="quiet">Whether standard output carries something else, so that results are not shown on it.</param>
internal sealed class Screen(bool quiet = false)
{
    // No line is wrapped where no terminal limits it.
    private const int UnlimitedWidth = 10_000;

    private const string CtrlC = "^C";

    private readonly Lock gate = new();
    private readonly IAnsiConsole results = CreateConsole();
    private string progress = "";

    /// <summary>Whether results go to a terminal, rather than into a file or another program.</summary>
    public static bool ResultsOnTerminal => !Console.IsOutputRedirected;

    /// <summary>Whether a line on standard error can be written over again.</summary>
    public static bool ProgressOnTerminal
        => !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Writes a line of results, which the terminal may wrap but this does not.</summary>
    public void WriteLine(string line = "")
    {
        if (quiet)
            return;
        lock (gate)
        {
            HideProgress();
            Console.Out.WriteLine(Printable(line));
            ShowProgress();
        }
    }

    /// <summary>Writes a table of results.</summary>
    public void Write(IRenderable renderable)
    {
        if (quiet)
            return;
        lock (gate)
        {
            HideProgress();
            results.Write(renderable);
            ShowProgress();
        }
    }

    /// <summary>Writes one sentence to standard error.</summary>
    public void Error(string sentence)
    {
        lock (gate)
        {
            HideProgress();
            Complain(sentence);
            ShowProgress();
        }
    }

    /// <summary>Shows how far the work is, over what was shown before; an empty text takes it away.</summary>
    public void Progress(string text)
    {
        if (!ProgressOnTerminal)
            return;
        lock (gate)
        {
            HideProgress();
            progress = text;
            ShowProgress();
        }
    }

    /// <summary>
    /// Shows what the work is at, as <see cref="Progress"/> does; where that can't be written over, a step has a sentence that
    /// stays, so that the last one tells what a process that died or hangs was at.
    /// </summary>
    /// <param name="step">The step, which has the sentence of its own.</param>
    /// <param name="detail">What within the step; only on a terminal.</param>
    /// <param name="begins">Whether the step begins now.</param>
    public void Step(string step, string detail, bool begins)
    {
        if (ProgressOnTerminal)
            Progress(Cut(Printable($"{step}, {detail}")));
        else if (begins)
            Error($"{step}.");
    }

    /// <summary>A text that fits a line of 80 columns, with the last one free, and those that Ctrl-C shows up in.</summary>
    internal static string Cut(string text)
    {
        var width = 79 - CtrlC.Length;
        return text.Length <= width ? text : $"{text[..(width - 1)]}…";
    }

    /// <summary>A table with lines for a terminal, and without where another program may read it.</summary>
    public static Table NewTable() => new() { Border = ResultsOnTerminal ? TableBorder.Rounded : TableBorder.None };

    /// <summary>Writes one sentence to standard error where nothing else is on the screen.</summary>
    public static void Complain(string sentence) => Console.Error.WriteLine($"fpn: {Printable(sentence)}");

    /// <summary>File names and labels come from elsewhere: what they hold must not steer the terminal.</summary>
    public static string Printable(string text)
        => string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t') ? '?' : c));

    // Spaces, not an escape sequence, so that it works on every terminal; also over what it shows of Ctrl-C.
    private void HideProgress()
    {
        if (progress.Length > 0)
            Console.Error.Write($"\r{new string(' ', progress.Length + CtrlC.Length)}\r");
    }

    private void ShowProgress() => Console.Error.Write(progress);

    private static IAnsiConsole CreateConsole()
    {
        // Said outright, because the library's own guess writes escape codes into files on some systems.
        var styled = ResultsOnTerminal
            && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") != "dumb";
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = styled ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = styled ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(Console.Out),
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        if (!ResultsOnTerminal)
            console.Profile.Width = UnlimitedWidth;
        return console;
    }
}
