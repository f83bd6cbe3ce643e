using System.Globalization;
using System.Text;

using Spectre.Console;
using Spectre.Console.Rendering;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// Standard output and standard error for a user at a terminal: results go to the former, errors to the latter, and a
/// progress line gives way to both. Thread-safe.
/// </summary>
internal sealed class Screen
{
    // Without a terminal, no line is wrapped.
    private const int UnlimitedWidth = 10_000;

    private const string CtrlC = "^C";

    private readonly Lock gate = new();
    private readonly bool quiet;
    private readonly IAnsiConsole results;
    private readonly int width;
    private string progress = "";

    /// <param name="quiet">Whether results are not shown, because standard output carries something else.</param>
    public Screen(bool quiet = false)
    {
        this.quiet = quiet || IsQuiet;
        results = CreateConsole();
        width = results.Profile.Width;
    }

    /// <summary>Whether the user wants errors only.</summary>
    public static bool IsQuiet { get; set; }

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

    /// <summary>Writes a line of results. On a terminal, a long one is broken between words, rather than anywhere.</summary>
    public void WriteWrapped(string line)
    {
        foreach (var part in ResultsOnTerminal ? Wrapped(line, width) : [line])
            WriteLine(part);
    }

    /// <summary>Writes a line beside a table; to standard error where results go to another program, which wants only the table.</summary>
    public void WriteNote(string line)
    {
        if (ResultsOnTerminal)
            WriteLine(line);
        else if (!quiet)
            Error($"{line.TrimEnd('.')}.");
    }

    /// <summary>Writes a table of results.</summary>
    public void Write(IRenderable renderable)
    {
        if (quiet)
            return;
        lock (gate)
        {
            HideProgress();
            results.Profile.Width = renderable is Table table ? Math.Max(width, LeastWidth(table, results)) : width;
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

    /// <summary>Writes an error's sentence to standard error.</summary>
    /// <param name="exception">The error.</param>
    /// <param name="path">The picture that it concerns, if it concerns one.</param>
    public void Error(Exception exception, string? path = null)
    {
        lock (gate)
        {
            HideProgress();
            Complain(exception, path);
            ShowProgress();
        }
    }

    /// <summary>Replaces the progress line; an empty text removes it.</summary>
    public void Progress(string text)
    {
        if (!ProgressOnTerminal || IsQuiet)
            return;
        lock (gate)
        {
            HideProgress();
            progress = Printable(text);
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
            Progress(Cut($"{step}, {detail}"));
        else if (begins && !IsQuiet)
            Error($"{step}.");
    }

    /// <summary>Cuts a text to a line of 80 columns, leaving room for the "^C" that Ctrl-C echoes, and the last column free.</summary>
    internal static string Cut(string text)
    {
        var width = 79 - CtrlC.Length;
        return text.Length <= width ? text : $"{text[..(width - 1)]}…";
    }

    /// <summary>Breaks a text into lines that leave the last column free; all but the first are indented.</summary>
    internal static IEnumerable<string> Wrapped(string text, int width)
    {
        const string indent = "  ";
        var rest = text;
        while (rest.Length >= width && rest.LastIndexOf(' ', width - 1) is var space && space > indent.Length)
        {
            yield return rest[..space];
            rest = indent + rest[(space + 1)..];
        }
        yield return rest;
    }

    /// <summary>A table, with borders on a terminal and without them where another program may read it.</summary>
    public static Table NewTable() => new() { Border = ResultsOnTerminal ? TableBorder.Rounded : TableBorder.None };

    /// <summary>Writes one sentence to standard error, when no progress line is shown.</summary>
    public static void Complain(string sentence) => ToError($"fpn: {Printable(sentence)}{Environment.NewLine}");

    /// <summary>Writes an error's sentence, and its stack trace where <see cref="ErrorSentence.IsVerbose"/> asks for it.</summary>
    public static void Complain(Exception exception, string? path = null)
    {
        Complain(path is null ? ErrorSentence.Of(exception) : ErrorSentence.Of(exception, path));
        if (!ErrorSentence.IsVerbose)
            return;
        foreach (var line in exception.ToString().Split('\n'))
            ToError($"{Printable(line.TrimEnd('\r'))}{Environment.NewLine}");
    }

    /// <summary>
    /// Replaces characters that control the terminal or turn the direction of writing, and line breaks. File names and labels are
    /// untrusted: they must not forge lines.
    /// </summary>
    public static string Printable(string text)
        => string.Concat(text.EnumerateRunes().Select(rune => IsPrintable(rune) ? rune.ToString() : "?"));

    /// <summary>Whether a character may be shown as it is.</summary>
    public static bool IsPrintable(Rune rune)
    {
        // Scripts such as Persian, and emoji, need the joiners.
        const int zeroWidthNonJoiner = 0x200C, zeroWidthJoiner = 0x200D;
        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => false,
            UnicodeCategory.Format => rune.Value is zeroWidthNonJoiner or zeroWidthJoiner,
            _ => true,
        };
    }

    /// <summary>
    /// The least width at which a table loses nothing. On a terminal that is narrower, the terminal breaks its lines, which is ugly;
    /// Spectre.Console would leave out digits.
    /// </summary>
    internal static int LeastWidth(Table table, IAnsiConsole console)
    {
        const int padding = 2, border = 1;
        var options = RenderOptions.Create(console);
        return border + table.Columns.Index().Sum(column => padding + border + table.Rows
            .Select(row => row.ElementAtOrDefault(column.Index)).Append(column.Item.Header).OfType<IRenderable>()
            .Select(cell => cell.Measure(options, UnlimitedWidth))
            .Max(size => column.Item.NoWrap ? size.Max : size.Min));
    }

    // Spaces instead of an escape sequence work on every terminal. They also cover the echoed ^C.
    private void HideProgress()
    {
        if (progress.Length > 0)
            ToError($"\r{new string(' ', progress.Length + CtrlC.Length)}\r");
    }

    private void ShowProgress() => ToError(progress);

    // Where standard error is closed, or its terminal is gone, there is nobody to tell; the work is still to be finished.
    private static void ToError(string text)
    {
        try
        {
            Console.Error.Write(text);
        }
        catch (IOException)
        {
            // Nobody to tell.
        }
    }

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
