using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>What Faster R-CNN computes for a batch on a tape, with given RoIs in the place of its proposals.</summary>
/// <param name="Pyramid">The pyramid.</param>
/// <param name="Rpn">The RPN's predictions.</param>
/// <param name="Boxes">The box head's predictions for the RoIs.</param>
internal sealed record TrainedOutputs(FeatureMaps Pyramid, RpnOutput Rpn, BoxPredictions Boxes)
{
    /// <summary>Runs the network.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="detector">The detector.</param>
    /// <param name="input">The input, [N, H, W, 3].</param>
    /// <param name="rois">The RoIs, in input px.</param>
    /// <param name="pictures">The index of each RoI's picture.</param>
    public static TrainedOutputs Of(Tape tape, FasterRcnn detector, Tensor input, Box[] rois, int[] pictures)
    {
        var pyramid = detector.Pyramid.Run(tape, detector.Backbone.Run(tape, tape.Input(input)));
        var rpn = detector.Rpn.Head.Run(tape, pyramid);
        var head = detector.BoxHead;
        var set = tape.Hold(RoiSet.Of(tape.Device, rois, pictures));
        using var pooled = RoiFeatures.Pool(
            tape, pyramid, detector.Pyramid.MergedLevels, set, input.Shape.H, head.Bins, RoiSettings.Of(detector.Configuration));
        using var features = head.Features(tape, pooled, set.Total.View);
        return new TrainedOutputs(pyramid, rpn, head.Predict(tape, features, set.Total.View));
    }

    /// <summary>All values by name.</summary>
    public IEnumerable<(string Name, float[] Values)> Values()
    {
        for (var l = Pyramid.Finest; l <= Pyramid.Coarsest; l++)
        {
            yield return ($"P{l}", Pyramid[l].Value.ToArray());
            yield return ($"objectness {l}", Rpn.Objectness[l].Value.ToArray());
            yield return ($"deltas {l}", Rpn.Deltas[l].Value.ToArray());
        }
        yield return ("logits", Boxes.Logits.Value.ToArray());
        yield return ("box deltas", Boxes.Deltas.Value.ToArray());
    }
}
