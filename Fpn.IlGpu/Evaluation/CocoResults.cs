using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Evaluation;

/// <summary>Writes detections in COCO's results format, which pycocotools and most tools of the field read.</summary>
public static class CocoResults
{
    private static readonly Dictionary<string, int> CocoIds = CocoClasses.Names.Index()
        .Where(entry => CocoClasses.Contiguous.Contains(entry.Item)).ToDictionary(entry => entry.Item, entry => entry.Index);

    /// <summary>
    /// Writes detections to a file: an array of objects with <c>image_id</c>, <c>category_id</c>, <c>bbox</c> (x, y, width, height in px
    /// of the picture), <c>score</c>, and <c>segmentation</c> for those with a mask.
    /// </summary>
    /// <param name="path">The file; one that exists is replaced. It appears under its name when it is complete.</param>
    /// <param name="pictures">The id of each picture, and what was found in it.</param>
    /// <param name="categoryId">
    /// Returns the category of an object; null for COCO's own ids where the label is one of COCO's 80 classes, and the class id elsewhere.
    /// </param>
    /// <exception cref="AnnotationException">The file can't be written.</exception>
    public static void Write(
        string path, IEnumerable<(long ImageId, IReadOnlyList<DetectedObject> Objects)> pictures, Func<DetectedObject, long>? categoryId = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(pictures);
        try
        {
            using var file = UnfinishedFile.Create(path);
            Write(file.Stream, pictures, categoryId);
            file.Complete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new AnnotationException($"'{path}' can't be written ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>Writes detections to a stream as UTF-8; the stream stays open.</summary>
    /// <param name="stream">Receives the array.</param>
    /// <param name="pictures">The id of each picture, and what was found in it.</param>
    /// <param name="categoryId">As for files.</param>
    public static void Write(
        Stream stream, IEnumerable<(long ImageId, IReadOnlyList<DetectedObject> Objects)> pictures, Func<DetectedObject, long>? categoryId = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(pictures);
        categoryId ??= found => CocoIds.TryGetValue(found.Label, out var id) ? id : found.ClassId;
        new EvaluationResults([.. pictures.SelectMany(picture => picture.Objects.Select(found
            => CategoryMatch.ToProposal(found, picture.ImageId) with { CategoryId = categoryId(found) }))]).Write(stream);
    }
}
