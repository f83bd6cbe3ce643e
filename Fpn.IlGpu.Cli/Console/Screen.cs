using Spectre.Console;
using Spectre.Console.Rendering;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Standard output and standard error for a user at a terminal: results go to the former, errors to the latter, and a
/// progress line gives way to both. Thread-safe.
/// </summary>
/// <param name="quiet">Whether results are not shown, because standard output carries something else.</param>
internal sealed class Screen(bool quiet = false)
{
    // Without a terminal, no line is wrapped.
    private const int UnlimitedWidth = 10_000;

    private const string CtrlC = "^C";

    private readonly Lock gate = new();
    private readonly IAnsiConsole results = CreateConsole();
    private string progress = "";

    /// <summary>Whether results go to a terminal, rather than into a file or another program.</summary>
    public static bool ResultsOnTerminal => !Console.IsOutputRedirected;

    /// <summary>Whether a line on standard error can be overwritten.</summary>
    public static bool ProgressOnTerminal
        => !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Writes a line of results, without wrapping it.</summary>
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

    /// <summary>Replaces the progress line; an empty text removes it.</summary>
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
    /// Shows the current step, as <see cref="Progress"/> does. Where a line can't be overwritten, each step writes a line
    /// that stays instead, so that the last one shows where a process died or hung.
    /// </summary>
    /// <param name="step">The step, which has a line of its own where lines stay.</param>
    /// <param name="detail">The detail within the step; shown only on a terminal.</param>
    /// <param name="begins">Whether the step begins now.</param>
    public void Step(string step, string detail, bool begins)
    {
        if (ProgressOnTerminal)
            Progress(Cut(Printable($"{step}, {detail}")));
        else if (begins)
            Error($"{step}.");
    }

    /// <summary>Cuts a text to a line of 80 columns, leaving room for the "^C" that Ctrl-C echoes, and the last column free.</summary>
    internal static string Cut(string text)
    {
        var width = 79 - CtrlC.Length;
        return text.Length <= width ? text : $"{text[..(width - 1)]}…";
    }

    /// <summary>A table, with borders on a terminal and without them where another program may read it.</summary>
    public static Table NewTable() => new() { Border = ResultsOnTerminal ? TableBorder.Rounded : TableBorder.None };

    /// <summary>Writes one sentence to standard error, when no progress line is shown.</summary>
    public static void Complain(string sentence) => Console.Error.WriteLine($"fpn: {Printable(sentence)}");

    /// <summary>Replaces control characters. File names and labels are untrusted, and must not control the terminal.</summary>
    public static string Printable(string text)
        => string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t') ? '?' : c));

    // Spaces instead of an escape sequence work on every terminal. They also cover the echoed ^C.
    private void HideProgress()
    {
        if (progress.Length > 0)
            Console.Error.Write($"\r{new string(' ', progress.Length + CtrlC.Length)}\r");
    }

    private void ShowProgress() => Console.Error.Write(progress);

    private static IAnsiConsole CreateConsole()
    {
        // Set explicitly, because Spectre.Console's detection writes escape codes into files on some systems.
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
