using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

/// <summary>Masks at picture size, pasted as torchvision and as Detectron2 do.</summary>
internal static class MaskCases
{
    private const int Objects = 25;

    // A px whose probability is this close to the threshold may fall on either side of it.
    private const float Slack = 1e-4f;

    public static VerifiedOperator Operator => new("mask paste",
    [
        .. from rounded in (bool[])[true, false]
           from size in ((int H, int W, int Side, float Threshold)[])
               [(37, 53, 28, 0.5f), (64, 32, 14, 0.5f), (1, 90, 7, 0.3f), (90, 1, 7, 0.3f), (1, 1, 28, 0.5f), (41, 33, 28, 0.01f)]
           select Pasting(size.H, size.W, size.Side, size.Threshold, rounded),
    ]);

    private static VerificationCase Pasting(int height, int width, int side, float threshold, bool rounded)
        => new($"{side}×{side} on {height}×{width} px, above {threshold}{(rounded ? ", rounded boxes" : "")}", (device, findings) =>
        {
            float[][] boxes = [.. CaseValues.Boxes(Objects, 3, width, height).Chunk(4)];
            float[][] cells = [.. Enumerable.Range(0, Objects).Select(i => CaseValues.Uniform(side * side, i, 0, 1))];
            MaskTarget[] targets = [.. BoxCases.Boxes([.. boxes.SelectMany(b => b)]).Select(b => new MaskTarget(b, width, height))];
            using var probabilities = device.Upload<float>([.. cells.SelectMany(c => c)]);
            var masks = MaskPaste.Run(device, probabilities.View, side, targets, threshold, rounded);
            for (var i = 0; i < Objects; i++)
            {
                int[] actual = [.. masks[i].ToPixels().Select(p => p == 0 ? 0 : 1)];
                var pasted = MaskPasteReference.Run(cells[i], side, boxes[i], height, width, rounded);
                int[] expected = [.. pasted.Select((p, at) => Math.Abs(p - threshold) < Slack ? actual[at] : p > threshold ? 1 : 0)];
                findings.Same(actual, expected, $"object {i}");
            }
        });
}
