using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

/// <summary>Extraction of the masks of the objects' classes, and pasting at picture size as in torchvision and in Detectron2.</summary>
internal static class MaskCases
{
    private const int Objects = 25;

    // A pixel with a probability this close to the threshold may fall on either side.
    private const float Slack = 1e-4f;

    public static IEnumerable<VerifiedOperator> Operators => [
        new("masks of classes", [Taking(1, 1, 1), Taking(3, 7, 5), Taking(13, 14, 91)]),
        new("mask paste",
        [
            .. from rounded in (bool[])[true, false]
               from size in ((int H, int W, int Side, float Threshold)[])
                   [(37, 53, 28, 0.5f), (64, 32, 14, 0.5f), (1, 90, 7, 0.3f), (90, 1, 7, 0.3f), (1, 1, 28, 0.5f), (41, 33, 28, 0.01f)]
               select Pasting(size.H, size.W, size.Side, size.Threshold, rounded),
        ]),
    ];

    private static VerificationCase Taking(int objects, int side, int classes)
        => new($"{objects} of {2 * side}×{2 * side}, {classes} classes", (device, findings)
        =>
        {
            var shape = new Shape4(objects, 2 * side, 2 * side, classes);
            var values = CaseValues.Uniform(shape.Count, 1, -8, 8);
            // The order of the transposed convolution: the four output pixels of an input pixel are adjacent.
            var (quartets, at) = (new float[values.Length], 0);
            foreach (var (d, y, x, i) in new Shape4(objects, side, side, 4 * classes).Elements())
                quartets[at++] = values[shape.At(d, 2 * y + i / classes / 2, 2 * x + i / classes % 2, i % classes)];
            int[] classIds = [.. Enumerable.Range(0, objects).Select(d => d * 37 % classes)];
            using var logits = Tensor.Upload(device, new Shape(objects, side, 4 * side, classes), quartets);
            using var deviceIds = device.Upload<int>(classIds);
            using var masks = Tensor.Upload(
                device, new Shape(objects, 2 * side, 2 * side, 1), CaseValues.Unwritten(objects * 4 * side * side));
            MaskHead.Take(device, logits, deviceIds.View, masks);
            findings.Close(
                masks.ToArray(), ClassMaskReference.Run(values, shape, classIds), 1e-7, 1e-5, [objects, 2 * side, 2 * side]);
        });

    private static VerificationCase Pasting(int height, int width, int side, float threshold, bool rounded)
        => new($"{side}×{side} on {height}×{width} px, above {threshold}{(rounded ? ", rounded boxes" : "")}", (device, findings)
        =>
        {
            float[][] boxes = [.. CaseValues.Boxes(Objects, 3, width, height).Chunk(4)];
            float[][] cells = [.. Enumerable.Range(0, Objects).Select(i => CaseValues.Uniform(side * side, i, 0, 1))];
            MaskTarget[] targets = [.. BoxCases.Boxes([.. boxes.SelectMany(b => b)]).Select(b => new MaskTarget(b, width, height))];
            using var probabilities = device.Upload<float>([.. cells.SelectMany(c => c)]);
            var masks = ObjectMasks.Paste(device, probabilities.View, side, targets, threshold, rounded);
            for (var i = 0; i < Objects; i++)
            {
                int[] actual = [.. masks[i].ToPixels().Select(p => p == 0 ? 0 : 1)];
                var pasted = MaskPasteReference.Run(cells[i], side, boxes[i], height, width, rounded);
                int[] expected = [.. pasted.Select((p, at) => Math.Abs(p - threshold) < Slack ? actual[at] : p > threshold ? 1 : 0)];
                findings.Same(actual, expected, $"object {i}");
            }
        });
}
