using System.Text.RegularExpressions;

namespace Fpn.IlGpu.Cli;

/// <summary>The parts of a page, and members of the library's source files, from this assembly's resources.</summary>
internal static partial class EmbeddedSource
{
    /// <summary>Returns a text by its file name.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static string Text(string name)
    {
        using var stream = typeof(EmbeddedSource).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"There is no resource '{name}'.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n").TrimEnd('\n');
    }

    /// <summary>Returns a method with its comment, from the left margin on.</summary>
    /// <param name="path">The source file's path in the library; the resource has its name.</param>
    /// <param name="method">The method's name; the first of that name counts.</param>
    /// <exception cref="InvalidOperationException">There is no such file or method.</exception>
    public static string Method(string path, string method)
    {
        var lines = Text(Path.GetFileName(path)).Split('\n');
        var head = new Regex($@"^ +(public|internal|private) ((static|readonly) )*[\w<>\[\], ()?]+ {method}\(");
        var at = Array.FindIndex(lines, line => head.IsMatch(line));
        if (at < 0)
            throw new InvalidOperationException($"'{path}' has no method '{method}'.");
        var indent = lines[at].Length - lines[at].TrimStart().Length;
        var first = at;
        while (Comment().IsMatch(lines[first - 1]))
            first--;
        // A body in braces ends where a brace is as far in as the head; an expression ends with the first semicolon.
        var (open, close) = (new string(' ', indent) + "{", new string(' ', indent) + "}");
        var end = at;
        while (lines[end] != close && !(lines[end].EndsWith(';') && Array.IndexOf(lines, open, at, end - at) < 0))
            end++;
        return string.Join('\n', lines[first..(end + 1)].Select(line => line.Length > indent ? line[indent..] : ""));
    }

    [GeneratedRegex(@"^ +(///|\[)")]
    private static partial Regex Comment();
}
