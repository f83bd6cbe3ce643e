using System.Text.Json;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Evaluation;

/// <summary>Results, as in a COCO results file.</summary>
/// <param name="Objects">The results in file order, which breaks ties between equal scores.</param>
public sealed record EvaluationResults(IReadOnlyList<FoundObject> Objects)
{
    /// <summary>The problems with single entries.</summary>
    public AnnotationProblems Problems { get; init; } = new();

    /// <summary>The ids as they are written in the truth's file.</summary>
    internal AnnotationIds Ids { get; init; } = new();

    /// <summary>Whether these are proposals: no entry has a class.</summary>
    public bool AreProposals => Objects.Count > 0 && Objects.All(found => found.CategoryId is null);

    /// <summary>
    /// Reads a results file: an array of objects with <c>image_id</c>, <c>category_id</c> (optional for proposals),
    /// <c>score</c>, and <c>bbox</c> or <c>segmentation</c>. As in COCO's code, the first entry decides. If it has a box, all
    /// entries must have one, and areas are those of the boxes, even for masks; a result without a mask then gets its box as
    /// its mask. Otherwise areas are those of the masks, and boxes are the masks' bounding boxes. Entries that lack a value are
    /// left out and reported. Those of unknown categories are reported, and the evaluation leaves them out. Those with a broken
    /// mask are reported and count as wrong.
    /// </summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="truth">The ground truth to compare them with.</param>
    /// <param name="masks">Whether to read masks.</param>
    /// <exception cref="AnnotationException">
    /// The file can't be read, is broken JSON, or has results for pictures that the ground truth lacks.
    /// </exception>
    public static EvaluationResults Read(string path, EvaluationTruth truth, bool masks = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(truth);
        var entries = new List<CocoEntry>();
        using (var json = JsonStream.Open(path))
        {
            // Without boxes, masks are always needed; the first entry decides.
            var keep = masks;
            json.ReadArray((ref reader) =>
            {
                var first = entries.Count == 0;
                var entry = CocoFile.ReadEntry(ref reader, entries.Count + 1, keep || first, truth.Ids);
                keep |= first && entry.Box is null;
                entries.Add(entry);
            });
        }
        var boxes = entries is [{ Box: not null }, ..];
        return new ResultEntries(path, truth, boxes, masks).ToResults(entries);
    }

    /// <summary>Writes a results file, which <see cref="Read"/> and COCO's own code can read.</summary>
    /// <param name="stream">Receives UTF-8; stays open.</param>
    public void Write(Stream stream)
    {
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartArray();
        foreach (var found in Objects)
        {
            json.WriteStartObject();
            Ids.Write(json, "image_id"u8, found.PictureId);
            if (found.CategoryId is { } category)
                Ids.Write(json, "category_id"u8, category);
            json.WriteStartArray("bbox"u8);
            json.WriteNumberValue(found.BoxImagePx.X);
            json.WriteNumberValue(found.BoxImagePx.Y);
            json.WriteNumberValue(found.BoxImagePx.Width);
            json.WriteNumberValue(found.BoxImagePx.Height);
            json.WriteEndArray();
            json.WriteNumber("score"u8, found.Score);
            if (found.Mask is { } mask)
            {
                json.WriteStartObject("segmentation"u8);
                json.WriteStartArray("size"u8);
                json.WriteNumberValue(mask.Height);
                json.WriteNumberValue(mask.Width);
                json.WriteEndArray();
                json.WriteString("counts"u8, mask.ToCocoString());
                json.WriteEndObject();
            }
            json.WriteEndObject();
            if (json.BytesPending > 1 << 16)
                json.Flush();
        }
        json.WriteEndArray();
    }

    private sealed class ResultEntries(string path, EvaluationTruth truth, bool boxes, bool masks)
    {
        private readonly Dictionary<long, EvaluatedPicture> pictures = truth.Pictures.ToDictionary(picture => picture.Id);
        private readonly HashSet<long> categories = [.. truth.Categories.Select(category => category.Id)];
        private readonly AnnotationProblems problems = new();

        public EvaluationResults ToResults(List<CocoEntry> entries)
        {
            CheckPictures(entries);
            problems.AddParts(AnnotationPart.Results, entries.Count);
            if (masks || !boxes)
                problems.AddParts(AnnotationPart.Masks, entries.Count);
            return new([.. entries.Select(ToFound).OfType<FoundObject>()]) { Problems = problems, Ids = truth.Ids };
        }

        private void CheckPictures(List<CocoEntry> entries)
        {
            const int most = 5;
            string[] unknown =
            [
                .. entries.Where(entry => entry.PictureId is { } id && !pictures.ContainsKey(id))
                    .Select(entry => truth.Ids.Say(entry.PictureId)).Distinct(),
            ];
            if (unknown.Length == 0)
                return;
            var which = unknown.Length == 1
                ? $"picture {unknown[0]}"
                : $"{unknown.Length} pictures ({string.Join(", ", unknown.Take(most))}{(unknown.Length > most ? ", …" : "")})";
            throw new AnnotationException(
                $"'{path}' has results for {which} that the ground truth lacks: give the ground truth that they were made for.");
        }

        private FoundObject? ToFound(CocoEntry entry)
        {
            var missing = entry.PictureId is null ? "image_id" : entry.Score is null ? "score"
                : boxes && entry.Box is null ? "bbox of four numbers"
                : !boxes && entry.Segmentation is null ? "bbox or segmentation" : null;
            if (missing is not null)
            {
                problems.Add(AnnotationProblem.EntryIncomplete, $"result number {entry.Number} has no {missing}", AnnotationPart.Results);
                return null;
            }
            var picture = pictures[entry.PictureId!.Value];
            if (entry.CategoryId is { } category && !categories.Contains(category))
                problems.Add(AnnotationProblem.CategoryUnknown, $"result number {entry.Number} is of category {truth.Ids.Say(category)}");
            var mask = masks || !boxes ? MaskOf(entry, picture) : null;
            var box = entry.Box is [var x, var y, var w, var h] ? new CocoBox(x, y, w, h) : BoxAround(mask);
            var area = boxes ? box.Area : mask?.Area ?? 0;
            return new FoundObject(picture.Id, entry.CategoryId, entry.Score!.Value, box, area, masks ? mask : null);
        }

        private ObjectMask? MaskOf(CocoEntry entry, EvaluatedPicture picture)
        {
            ObjectMask? mask;
            string why;
            if (entry.Segmentation is null)
                mask = RectangleMask(entry.Box!, picture, out why);
            else
                mask = entry.Segmentation.ToMask(picture.Width, picture.Height, out why);
            if (mask is null)
                problems.Add(AnnotationProblem.MaskBroken, $"result number {entry.Number}: {why}", AnnotationPart.Masks);
            return mask;
        }

        private static ObjectMask? RectangleMask(double[] box, EvaluatedPicture picture, out string why)
        {
            (var x1, var y1, var x2, var y2) = (box[0], box[1], box[0] + box[2], box[1] + box[3]);
            try
            {
                why = "";
                return ObjectMask.FromPolygons([[x1, y1, x1, y2, x2, y2, x2, y1]], picture.Width, picture.Height);
            }
            catch (ArgumentException exception)
            {
                why = exception is ArgumentOutOfRangeException ? "its picture has no size" : exception.Message.TrimEnd('.');
                return null;
            }
        }

        private static CocoBox BoxAround(ObjectMask? mask)
        {
            var bounds = mask is null ? default : MaskOverlap.Bounds(mask);
            return new CocoBox(bounds.Left, bounds.Top, bounds.Width, bounds.Height);
        }
    }
}
