using System.Text;

namespace Fpn.IlGpu.Cli;

/// <summary>The index of a folder's pages: each picture with its objects drawn, small, and a link to its page.</summary>
/// <param name="folder">The folder's name.</param>
internal sealed class ExplainIndex(string folder)
{
    private const int ThumbnailSide = 240;

    private readonly StringBuilder entries = new();

    /// <summary>Adds a picture.</summary>
    /// <param name="page">The file name of its page.</param>
    /// <param name="explained">What the page is about.</param>
    public void Add(string page, ExplainedDetection explained)
    {
        var found = explained.ShownObjects;
        var labels = found.CountBy(found => found.Label).OrderBy(label => label.Key, StringComparer.Ordinal)
            .Select(label => label.Value == 1 ? label.Key : $"{label.Key} × {label.Value}");
        var caption = found.Count == 0 ? "nothing found" : string.Join(", ", labels);
        entries.Append(
            $"<figure><a href=\"{ExplainPage.Text(Uri.EscapeDataString(page))}\"><img alt=\"{ExplainPage.Text(explained.Name)} with its objects\" src=\"{MapPicture.Thumbnail(explained.Drawn(), ThumbnailSide)}\">"
            + $"{ExplainPage.Text(explained.Name)}</a><figcaption>{ExplainPage.Text(caption)}</figcaption></figure>");
    }

    /// <summary>The index as a page without requests.</summary>
    public string ToHtml()
    {
        var style = EmbeddedSource.Text("page.css");
        return $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src '{ExplainPage.Hash(style)}'">
            <title>{ExplainPage.Text(folder)}, explained</title>
            <style>{style}</style>
            </head>
            <body>
            <h1>The pictures of {ExplainPage.Text(folder)}, explained</h1>
            <p>Each page shows how the network sees one picture, from pixels to boxes.</p>
            <main class="index">{entries}</main>
            </body>
            </html>

            """;
    }
}
