using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Weights;
using static Fpn.IlGpu.Weights.OnnxOperators;

namespace Fpn.IlGpu.Export;

/// <summary>
/// RetinaNet's subnets as ONNX nodes: <see cref="RetinaHead"/>, then what <see cref="DensePostProcess"/> does with its outputs.
/// </summary>
internal static class RetinaNodes
{
    private const string Name = DetectorNetwork.RetinaName;

    /// <summary>Adds the subnets.</summary>
    /// <param name="model">The model.</param>
    /// <param name="layers">Its layers.</param>
    /// <param name="pyramid">P3 to P7, [1, d, Hl, Wl].</param>
    /// <param name="input">The input.</param>
    public static FoundNodes Find(ExportedModel model, LayerNodes layers, Levels<OnnxValue> pyramid, InputNodes input)
    {
        var (c, layout) = (model.Configuration, model.Layout.Retina!);
        var strides = new LevelStrides(input.Padded, c.AnchorStridesDouble);
        var weights = new BoxWeights(c.BoxWeights[0], c.BoxWeights[1], c.BoxWeights[2], c.BoxWeights[3]);
        var (boxes, labels, scores) = (new List<OnnxValue>(), new List<OnnxValue>(), new List<OnnxValue>());
        for (var l = pyramid.Finest; l <= pyramid.Coarsest; l++)
        {
            pyramid[l].Graph.Begin($"{Name}/P{l}");
            var classTower = Tower(layers, Name + ".classification_head.conv", layout.ClassTower.Length, pyramid[l]);
            var logits = layers.Convolution(classTower, Name + ".classification_head.cls_logits");
            var boxTower = Tower(layers, Name + ".regression_head.conv", layout.BoxTower.Length, pyramid[l]);
            var deltas = layers.Convolution(boxTower, Name + ".regression_head.bbox_reg");

            // The best pairs of anchor and class, in the order y, x, a, class.
            var (best, pairs) = logits.Transpose(0, 2, 3, 1).Reshape(-1).Best(c.TopkCandidates);
            var indices = pairs / layout.Classes;
            var anchors = BoxNodes.AnchorsAt(indices, model.CellsOf(l - pyramid.Finest), logits, strides.Next(logits));
            var chosen = deltas.Transpose(0, 2, 3, 1).Reshape(-1, 4).Gather(indices);
            boxes.Add(BoxNodes.Clip(BoxNodes.Decode(anchors, chosen, weights), input.Limits));
            labels.Add(pairs % layout.Classes);
            var isCandidate = best > DensePostProcess.Logit(c.BoxScoreThreshold);
            scores.Add(isCandidate.Choose(best.Sigmoid(), best.Number(NonMaximumSuppression.Dropped)));
        }
        return Select(c, layout.Classes, Concat(0, [.. boxes]), Concat(0, [.. labels]), Concat(0, [.. scores]));
    }

    private static OnnxValue Tower(LayerNodes layers, string name, int count, OnnxValue x)
    {
        for (var i = 0; i < count; i++)
            x = layers.GroupNorm(layers.Convolution(x, $"{name}.{i}.0"), $"{name}.{i}.1").Relu();
        return x;
    }

    /// <summary>NMS within each class over all levels, and the best of all classes.</summary>
    private static FoundNodes Select(ModelConfiguration c, int classes, OnnxValue boxes, OnnxValue labels, OnnxValue scores)
    {
        var graph = boxes.Graph;
        graph.Begin("detections");
        // [K, n]: in each class, the candidates of the others have no score.
        var dropped = scores.Number(NonMaximumSuppression.Dropped);
        var classIds = graph.Number(classes, OnnxType.Int64).Range().Unsqueeze(1);
        var ofClasses = labels.Unsqueeze(0).IsEqual(classIds).Choose(scores.Unsqueeze(0), dropped);
        var kept = boxes.Unsqueeze(0).Suppress(ofClasses.Unsqueeze(0), c.BoxNmsThreshold, NonMaximumSuppression.Dropped / 2).At(2, axis: 1);
        // The kept candidates where they were, so that of equal scores the first comes first.
        var left = (scores * 0 + dropped).Replace(kept, scores.Gather(kept));
        var (best, order) = left.Best(kept.Shape().Min(graph.Wholes(c.BoxDetectionsPerImage)));
        return new FoundNodes(boxes.Gather(order), labels.Gather(order), best);
    }
}
