using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Cli;

/// <summary>An object that polygons outline: its box is that of the corners, its mask what COCO's code fills.</summary>
internal static class PolygonObject
{
    /// <summary>Makes the object; null if it has no area in the picture. A mask that can't be filled is left out.</summary>
    /// <param name="polygons">The corners of each polygon: x, y, x, y, … in px.</param>
    /// <param name="label">The class index.</param>
    /// <param name="width">The picture's width, in px.</param>
    /// <param name="height">The picture's height, in px.</param>
    /// <param name="where">The name of the object in messages.</param>
    /// <param name="problems">Receives what is wrong.</param>
    public static AnnotatedObject? Of(
        IReadOnlyList<double[]> polygons, int label, int width, int height, string where, AnnotationProblems problems)
    {
        var x = polygons.SelectMany(corners => corners.Where((_, i) => i % 2 == 0)).ToArray();
        var y = polygons.SelectMany(corners => corners.Where((_, i) => i % 2 == 1)).ToArray();
        if (AnnotatedBoxes.Clip(x.Min(), y.Min(), x.Max(), y.Max(), width, height, where, problems) is not { } box)
            return null;
        problems.AddParts(AnnotationPart.Masks, 1);
        try
        {
            return WithMask(box, label, ObjectMask.FromPolygons(polygons, width, height));
        }
        catch (ArgumentException exception)
        {
            problems.Add(AnnotationProblem.MaskBroken, $"{where}: {exception.Message.TrimEnd('.')}", AnnotationPart.Masks);
            return new AnnotatedObject(box, label);
        }
    }

    /// <summary>An object with a mask, whose area it has, as in COCO's files.</summary>
    public static AnnotatedObject WithMask(Box box, int label, ObjectMask mask) => new(box, label) { Mask = mask, Area = mask.Area };
}
