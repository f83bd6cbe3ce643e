using System.Globalization;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>A training configuration whose steps take a few milliseconds each.</summary>
internal static class TinyTraining
{
    /// <summary>The file's text.</summary>
    /// <param name="steps">The number of steps.</param>
    /// <param name="checkpointEvery">Steps from one checkpoint to the next.</param>
    /// <param name="schedule">Further keys of the schedule, each preceded by a comma.</param>
    public static string Json(int steps, int checkpointEvery, string schedule = "") => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        {
          "data": { "shapes": { "width": 64, "height": 64, "count": 8 } },
          "network": { "layout": "resnet18", "widths": [8, 8, 8, 8], "pyramid_channels": 16, "head_channels": 16 },
          "schedule": { "steps": {{steps}}, "batch": 2, "warmup_steps": 5, "checkpoint_every": {{checkpointEvery}}{{schedule}} },
          "rpn": { "pre_nms_top_n": 100, "post_nms_top_n": 50, "samples": 32 },
          "box_head": { "samples": 16 },
          "model": { "min_size": 64, "max_size": 64, "anchor_sizes": [8, 16, 32, 64, 128] }
        }
        """);
}
