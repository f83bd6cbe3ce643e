using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Export;

/// <summary>
/// A detector as an ONNX graph, from the pixels of a picture to its objects. It takes the steps of <see cref="Detector"/>,
/// <see cref="FasterRcnn"/>, <see cref="MaskRcnn"/> and <see cref="RetinaNet"/> in their order. Maps are [1, C, H, W], as in all ONNX
/// operators; sizes are computed in the graph, so that it takes pictures of any size.
/// </summary>
internal static class DetectorGraph
{
    // The first in which RoiAlign says whether it shifts by half a px.
    private const int Opset = 16;

    /// <summary>Builds the graph.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weightType">How weights are stored.</param>
    public static OnnxGraph Build(ExportedModel model, DataType weightType)
    {
        var c = model.Configuration;
        var graph = new OnnxGraph(c.Detector, Opset, weightType);
        var layers = new LayerNodes(graph, model.State, model.Tensors, c.BatchNormEpsilon);
        var image = graph.Input("image", OnnxType.UInt8, "The picture: RGB, 8 bit, rows from top to bottom.", "height", "width", "3");

        graph.Begin("input");
        var input = InputNodes.Add(image, c);
        var bottomUp = PyramidNodes.BottomUp(layers, (ResNetLayout)model.Layout.Backbone, model.Layout.Maps, input.Input);
        var pyramid = PyramidNodes.TopDown(layers, model.Layout.Pyramid, bottomUp);

        FoundNodes found;
        OnnxValue? masks = null;
        if (c.Detector == DetectorKind.RetinaNet)
        {
            found = RetinaNodes.Find(model, layers, pyramid, input);
        }
        else
        {
            var proposals = ProposalNodes.Find(model, layers, pyramid, input);
            // RoI features are read from the levels that correspond to a map of the backbone.
            var rois = new RoiNodes(new Levels<OnnxValue>(pyramid.Finest, [.. pyramid.Take(bottomUp.Count)]), c);
            found = BoxHeadNodes.Find(model, layers, rois, proposals, input);
            if (c.Detector == DetectorKind.MaskRcnn)
                masks = MaskNodes.Find(model, layers, rois, found);
        }

        graph.Begin("output");
        // From input px to px of the picture.
        var scale = input.Picture.As(OnnxType.Float) / input.Resized.As(OnnxType.Float);
        graph.Output(
            found.Boxes * scale.Gather(graph.Wholes(1, 0, 1, 0)), "boxes", "x1, y1, x2, y2 of each object, in px of the picture, best first.",
            "objects", "4");
        graph.Output(found.Labels, "labels", "The class id of each object: an index into 'classes' of the metadata 'fpn.config'.", "objects");
        graph.Output(found.Scores, "scores", "The score of each object, 0…1.", "objects");
        if (masks is not null)
        {
            var side = $"{2 * MaskRcnn.Bins}";
            graph.Output(
                masks, "masks", "The probability that a part of the box belongs to the object, in a grid over the box.", "objects", side, side);
        }
        return graph;
    }
}
