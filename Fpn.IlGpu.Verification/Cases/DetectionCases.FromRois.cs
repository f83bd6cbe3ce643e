using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

// Detections of Faster R-CNN.
internal static partial class DetectionCases
{
    /// <summary>Detections from RoIs. The background is the first class, or the last one, which then has no boxes.</summary>
    private sealed record FromRois(
        int Classes, int Background, IReadOnlyList<int> Counts, float ScoreThreshold, float NmsThreshold, int Most) : Problem
    {
        private const int Capacity = 50;

        public override string Name
            => $"{string.Join(" and ", Counts)} RoIs, {Classes} classes, {Most} of a picture, IoU {NmsThreshold}, above {ScoreThreshold}";

        private static int Places => Pictures.Length * Capacity;

        private int WithBoxes => Background == 0 ? Classes : Classes - 1;

        private float[] Logits => CaseValues.Uniform(Places * Classes, 7, -3, 3);

        private float[] Deltas => CaseValues.Uniform(Places * WithBoxes * 4, 8, -3, 3);

        private static float[] Rois => CaseValues.Boxes(Places, 9, 77, 60);

        public override void Run(Device device, Findings findings)
        {
            using var rois = new RoiSet(device, Pictures.Length, Capacity);
            rois.Boxes.Upload(BoxCases.Boxes(Rois));
            rois.PerPicture.Upload([.. Counts]);
            rois.Total.Upload([Counts.Sum()]);
            using var predictions = new BoxPredictions(
                new Variable(device, Tensor.Upload(device, new Shape(Places, 1, 1, Classes), Logits)),
                new Variable(device, Tensor.Upload(device, new Shape(Places, 1, 1, WithBoxes * 4), Deltas)));
            using var pictures = device.Upload<ResizedPicture>(Pictures);
            using var found = PostProcess.Run(
                device, predictions, rois, pictures.View,
                new(ScoreThreshold, NmsThreshold, Most, new(10, 10, 5, 5), BackgroundLast: Background > 0));
            Compare(findings, found.Fetch(), Expected(0));
        }

        public override ChosenBoxes[] Expected(float change) => [.. Pictures.Select((picture, n) =>
        {
            var (first, end) = (Counts.Take(n).Sum(), Counts.Take(n + 1).Sum());
            return RoiDetectionsReference.Run(
                Changed(Logits[(first * Classes)..(end * Classes)], change),
                Changed(Deltas[(first * WithBoxes * 4)..(end * WithBoxes * 4)], change), Rois[(first * 4)..(end * 4)], Classes, Background,
                [10, 10, 5, 5], picture.ResizedH, picture.ResizedW, ScoreThreshold, NmsThreshold, Most);
        })];
    }
}
