using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>
/// Reads annotated sets in COCO's format (<c>instances_….json</c>), for training. Problems with single entries are
/// described and counted in <see cref="AnnotatedSet.Problems"/>:
/// <list type="bullet">
/// <item>boxes that reach outside their picture are clipped to it,</item>
/// <item>objects whose clipped box has no area are skipped,</item>
/// <item>objects of unknown pictures or categories, and second pictures or categories with the same id, are skipped,</item>
/// <item>entries that lack a value (a picture's id, a size, a file name or a box) are skipped; ids of objects are not needed,</item>
/// <item>pictures whose file does not exist are skipped, if a folder is given,</item>
/// <item>masks that are broken, or whose size is not the picture's, are left out; their objects stay,</item>
/// <item>objects without a mask are named if masks are read; they stay, too.</item>
/// </list>
/// Broken JSON (with line and column), an unreadable file, and a set without pictures, categories or objects throw an
/// <see cref="AnnotationException"/>.
/// </summary>
public static class CocoAnnotations
{
    /// <summary>Reads a set.</summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="folder">The folder of the pictures; null to not look for their files.</param>
    /// <param name="masks">Whether to read the objects' masks, which takes several times the memory.</param>
    /// <exception cref="AnnotationException">The set can't be used.</exception>
    public static AnnotatedSet Read(string path, string? folder = null, bool masks = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (folder is not null && !Directory.Exists(folder))
            throw new AnnotationException($"There is no folder '{folder}' with the pictures of '{path}'.");
        var file = CocoFile.Read(path, masks);
        var problems = file.Problems;
        var classes = file.Categories.Index().ToDictionary(item => item.Item.Id, item => item.Index);
        var objects = file.Objects.ToLookup(entry => entry.PictureId!.Value);
        var pictures = new List<AnnotatedPicture>();
        foreach (var listed in file.Pictures)
        {
            var picture = folder is null ? listed : listed with { FileName = PicturePath.Find(folder, listed.FileName) };
            if (CanBeUsed(picture, folder, file))
            {
                var annotated = objects[picture.Id].Select(entry => ToObject(entry, picture, classes, masks, file));
                pictures.Add(new AnnotatedPicture(
                    picture.Id, picture.FileName, picture.Width, picture.Height, [.. annotated.OfType<AnnotatedObject>()]));
            }
        }
        if (pictures.All(picture => picture.Objects.Count == 0))
        {
            var what = pictures.Count == 0 ? "picture" : "object";
            var why = problems.Total == 0 ? "" : $" ({string.Join(" ", problems.Sentences()).TrimEnd('.')})";
            throw new AnnotationException($"'{path}' has no usable {what}: it is an empty set{why}.");
        }
        return new AnnotatedSet(pictures, file.Categories)
        {
            Folder = folder ?? "",
            Problems = problems,
            Ids = file.Ids,
            Listed = [.. file.Pictures.Select(picture => picture.Id)],
        };
    }

    private static bool CanBeUsed(CocoPicture picture, string? folder, CocoFile file)
    {
        var problems = file.Problems;
        if (picture.Width == 0 || picture.FileName.Length == 0)
        {
            var what = picture.Width == 0 ? "width and height" : "file_name";
            problems.Add(AnnotationProblem.EntryIncomplete, $"picture {file.Ids.Say(picture.Id)} has no {what}", AnnotationPart.Pictures);
            return false;
        }
        if (folder is not null && !File.Exists(Path.Join(folder, picture.FileName)))
        {
            problems.Add(AnnotationProblem.PictureMissing, $"'{Path.Join(folder, picture.FileName)}'", AnnotationPart.Pictures);
            return false;
        }
        return true;
    }

    private static AnnotatedObject? ToObject(
        CocoEntry entry, CocoPicture picture, Dictionary<long, int> classes, bool masks, CocoFile file)
    {
        var (box, problems) = (entry.Box!, file.Problems);
        var which = $"{file.NameOf(entry)} of '{picture.FileName}'";
        if (AnnotatedBoxes.Clip(
            box[0], box[1], box[0] + box[2], box[1] + box[3], picture.Width, picture.Height, which, problems) is not { } clipped)
        {
            return null;
        }
        if (masks && entry is { Segmentation: null, IsCrowd: false, IsIgnored: false })
            problems.Add(AnnotationProblem.MaskMissing, which);
        return new AnnotatedObject(clipped, classes[entry.CategoryId!.Value])
        {
            IsCrowd = entry.IsCrowd,
            IsIgnored = entry.IsIgnored,
            Area = entry.Area ?? (double)clipped.Width * clipped.Height,
            Mask = ToMask(entry, picture, which, problems),
        };
    }

    private static ObjectMask? ToMask(CocoEntry entry, CocoPicture picture, string which, AnnotationProblems problems)
    {
        if (entry.Segmentation is null)
            return null;
        var mask = entry.Segmentation.ToMask(picture.Width, picture.Height, out var why);
        if (mask is not null && (mask.Width != picture.Width || mask.Height != picture.Height))
        {
            why = $"it is {mask.Width} × {mask.Height} px, its picture {picture.Width} × {picture.Height} px";
            mask = null;
        }
        if (mask is null)
            problems.Add(AnnotationProblem.MaskBroken, $"{which}: {why}", AnnotationPart.Masks);
        return mask;
    }
}
