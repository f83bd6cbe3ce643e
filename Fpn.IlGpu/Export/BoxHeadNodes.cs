using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Weights;
using static Fpn.IlGpu.Weights.OnnxOperators;

namespace Fpn.IlGpu.Export;

/// <summary>Detections as nodes, best first.</summary>
/// <param name="Boxes">The boxes, in input px, [n, 4].</param>
/// <param name="Labels">Their class ids, [n].</param>
/// <param name="Scores">Their scores, [n].</param>
internal sealed record FoundNodes(OnnxValue Boxes, OnnxValue Labels, OnnxValue Scores);

/// <summary>
/// The Fast R-CNN head as ONNX nodes (paper, section 4.2): <see cref="BoxHead"/>, then what <see cref="PostProcess"/> does with its
/// outputs.
/// </summary>
internal static class BoxHeadNodes
{
    private const string Name = DetectorNetwork.RoiHeadsName;

    /// <summary>Adds the head.</summary>
    /// <param name="model">The model.</param>
    /// <param name="layers">Its layers.</param>
    /// <param name="rois">Pools RoI features.</param>
    /// <param name="proposals">The proposals, in input px, [R, 4].</param>
    /// <param name="input">The input.</param>
    public static FoundNodes Find(ExportedModel model, LayerNodes layers, RoiNodes rois, OnnxValue proposals, InputNodes input)
    {
        var layout = model.Layout.Boxes!;
        proposals.Graph.Begin(Name + ".box_head");
        var pooled = rois.Pool(proposals, layout.Bins);
        var features = Features(layers, layout, pooled.Features);
        var logits = pooled.InOrder(layers.FullyConnected(features, Name + ".box_predictor.cls_score"));
        var deltas = pooled.InOrder(layers.FullyConnected(features, Name + ".box_predictor.bbox_pred"));
        return Select(model.Configuration, layout, logits, deltas, proposals, input);
    }

    private static OnnxValue Features(LayerNodes layers, BoxHeadLayout layout, OnnxValue x)
    {
        const string head = Name + ".box_head";
        for (var i = 0; i < layout.Convolutions.Length; i++)
            x = layers.Convolution(x, $"{head}.{i}.0", $"{head}.{i}.1").Relu();
        x = x.Graph.Node("Flatten", OnnxType.Float, [x], OnnxAttribute.Of("axis", 1));
        foreach (var own in BoxHeadLayout.HiddenNames(layout.Convolutions.Length))
            x = layers.FullyConnected(x, $"{head}.{own}").Relu();
        return x;
    }

    /// <summary>Softmax, a box for each class of each RoI, NMS within each class, and the best of all classes.</summary>
    private static FoundNodes Select(
        ModelConfiguration c, BoxHeadLayout layout, OnnxValue logits, OnnxValue deltas, OnnxValue proposals, InputNodes input)
    {
        var graph = logits.Graph;
        graph.Begin("detections");
        // Every class but the background, which comes first or last, and in the latter case may have no deltas.
        var first = c.BackgroundLast ? 0 : 1;
        var end = first + layout.Classes - 1;
        var probabilities = graph.Node("Softmax", OnnxType.Float, [logits], OnnxAttribute.Of("axis", 1)).Part(1, first, end).Transpose(1, 0);
        var ofClasses = deltas.Reshape(0, layout.Deltas / 4, 4).Part(1, first, end);
        var weights = new BoxWeights(c.BoxWeights[0], c.BoxWeights[1], c.BoxWeights[2], c.BoxWeights[3]);
        // [K, R, 4]: NMS then takes each class for a picture of its own.
        var boxes = BoxNodes.Clip(BoxNodes.Decode(proposals.Unsqueeze(1), ofClasses, weights), input.Limits).Transpose(1, 0, 2);
        var isBox = BoxNodes.AreAtLeast(boxes, PostProcess.SmallestSidePx).Reshape(0, 0);
        var scores = isBox.Choose(probabilities, probabilities.Number(NonMaximumSuppression.Dropped));

        var kept = boxes.Suppress(scores.Unsqueeze(1), c.BoxNmsThreshold, c.BoxScoreThreshold);
        var places = kept.Gather(graph.Wholes(0, 2), axis: 1);
        var (best, order) = scores.AtPlaces(places).Best(c.BoxDetectionsPerImage);
        places = places.Gather(order);
        return new FoundNodes(boxes.AtPlaces(places), places.At(0, axis: 1) + first, best);
    }
}
