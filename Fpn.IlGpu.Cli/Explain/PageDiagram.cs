using System.Globalization;
using System.Text;

using Fpn.IlGpu.Detection;

namespace Fpn.IlGpu.Cli;

/// <summary>The pyramid as a drawing (the paper's figure 3), with the sizes of this picture's maps.</summary>
internal static class PageDiagram
{
    private const int Step = 62;
    private const int BoxHeight = 30;
    private const int BoxWidth = 165;

    /// <summary>The drawing as inline SVG.</summary>
    public static string Of(DetectionTrace trace)
    {
        var top = trace.Pyramid.Finest + trace.Pyramid.Count - 1;
        var height = (top - trace.Pyramid.Finest + 1) * Step + 10;
        var svg = new StringBuilder(string.Create(
            CultureInfo.InvariantCulture,
            $"<svg viewBox=\"0 0 612 {height}\" role=\"img\" aria-label=\"The pyramid: maps C from fine to coarse on the left; each has a lateral connection to the merged map M, which the coarser M is added to; a 3×3 convolution turns M into P.\">"));
        for (var l = top; l >= trace.Pyramid.Finest; l--)
        {
            var y = 8 + (top - l) * Step;
            Box(442, y, $"P{l}", trace.Pyramid[l]);
            if (l > trace.TopDown.Coarsest)
            {
                Arrow(525, y + Step, 525, y + BoxHeight, "½", 533, y + 51);
                continue;
            }
            Box(2, y, $"C{l}", trace.BottomUp[l]);
            Box(222, y, $"M{l}", trace.TopDown[l].Merged);
            Arrow(167, y + 15, 222, y + 15, "1×1", 180, y + 10);
            Arrow(387, y + 15, 442, y + 15, "3×3", 400, y + 10);
            if (l > trace.TopDown.Finest)
            {
                Arrow(85, y + Step, 85, y + BoxHeight, "", 0, 0);
                Arrow(305, y + BoxHeight, 305, y + Step, "×2, added", 313, y + 51);
            }
        }
        return svg.Append("</svg>").ToString();

        void Box(int x, int y, string name, TracedMap map)
            => svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"{y}\" width=\"{BoxWidth}\" height=\"{BoxHeight}\" rx=\"4\"/><text x=\"{x + 8}\" y=\"{y + 20}\">{name}: {map.Width} × {map.Height} × {map.Channels}</text>");

        void Arrow(int x1, int y1, int x2, int y2, string text, int textX, int textY)
        {
            var (dx, dy) = (Math.Sign(x2 - x1), Math.Sign(y2 - y1));
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{x1} {y1}L{x2} {y2}M{x2 - 6 * dx - 4 * dy} {y2 - 6 * dy - 4 * dx}L{x2} {y2}L{x2 - 6 * dx + 4 * dy} {y2 - 6 * dy + 4 * dx}\"/>");
            if (text.Length > 0)
                svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{textX}\" y=\"{textY}\">{text}</text>");
        }
    }
}
