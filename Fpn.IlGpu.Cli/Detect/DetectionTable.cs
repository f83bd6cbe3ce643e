using System.Globalization;

using Fpn.IlGpu.Detection;

using Spectre.Console;

namespace Fpn.IlGpu.Cli;

/// <summary>The objects of one picture as a table: label, score, and box in px of the picture.</summary>
internal static class DetectionTable
{
    public static Table Of(IReadOnlyList<DetectedObject> objects)
    {
        var table = Screen.NewTable();
        table.AddColumn(new TableColumn("label"));
        foreach (var heading in new[] { "score", "x1", "y1", "x2", "y2" })
            table.AddColumn(new TableColumn(heading).RightAligned().NoWrap());
        foreach (var found in objects)
        {
            var box = found.BoxImagePx;
            table.AddRow(
                new Text(Screen.Printable(found.Label)),
                Number(found.Score, "F2"),
                Number(box.X1, "F1"),
                Number(box.Y1, "F1"),
                Number(box.X2, "F1"),
                Number(box.Y2, "F1"));
        }
        return table;
    }

    private static Text Number(float value, string format) => new(value.ToString(format, CultureInfo.InvariantCulture));
}
