using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// The page of <c>fpn explain</c>: the template with its blanks filled. A blank is <c>{{name}}</c>, or <c>{{source PATH METHOD}}</c>
/// for a method of the library. The page's policy allows its own style and script, by their hashes, and pictures within it.
/// </summary>
internal static partial class ExplainPage
{
    public static string Of(ExplainedDetection explained)
    {
        var (style, script) = (EmbeddedSource.Text("page.css"), EmbeddedSource.Text("page.js"));
        var blanks = new Dictionary<string, string>(PageSections.Of(explained))
        {
            ["style"] = style,
            ["style-hash"] = Hash(style),
            ["script"] = script,
            ["script-hash"] = Hash(script),
            ["data"] = PageData.Of(explained),
            ["sequential-scale"] = MapPicture.SequentialScale,
            ["diverging-scale"] = MapPicture.DivergingScale,
        };
        // What fills a blank is not looked at again: it may hold anything.
        return Blank().Replace(EmbeddedSource.Text("page.html"), match => match.Groups["path"].Success
            ? Source(match.Groups["path"].Value, match.Groups["method"].Value)
            : blanks[match.Groups["name"].Value]);
    }

    /// <summary>The methods that the template shows.</summary>
    public static IEnumerable<(string Path, string Method)> Sources => Blank().Matches(EmbeddedSource.Text("page.html"))
        .Where(match => match.Groups["path"].Success).Select(match => (match.Groups["path"].Value, match.Groups["method"].Value));

    /// <summary>A text as HTML; characters that turn the direction of writing are shown as "?".</summary>
    public static string Text(string text) => WebUtility.HtmlEncode(Screen.Printable(text));

    /// <summary>A text as HTML, with its values formatted for readers.</summary>
    public static string Text(FormattableString text) => Text(text.ToString(CultureInfo.InvariantCulture));

    private static string Source(string path, string method)
    {
        var name = $"{Path.GetFileNameWithoutExtension(path)}.{method}";
        return $"<details><summary>Source: <code>{name}</code> in <code>Fpn.IlGpu/{path}</code></summary>"
            + $"<pre tabindex=\"0\"><code>{WebUtility.HtmlEncode(EmbeddedSource.Method(path, method))}</code></pre></details>";
    }

    /// <summary>A content's hash, as a page's policy names it.</summary>
    public static string Hash(string content) => $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(content)))}";

    [GeneratedRegex(@"\{\{(?:source (?<path>\S+) (?<method>\w+)|(?<name>[a-z0-9-]+))\}\}")]
    private static partial Regex Blank();
}
