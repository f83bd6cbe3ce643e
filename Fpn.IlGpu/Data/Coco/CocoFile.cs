using System.Globalization;
using System.Text.Json;

namespace Fpn.IlGpu.Data;

/// <summary>
/// A COCO instances file as written, in its own order and coordinates. Pictures and categories without an id or with a duplicate id,
/// and objects of unlisted pictures or categories, are left out and reported.
/// </summary>
internal sealed class CocoFile
{
    private readonly string path;
    private readonly bool masks;
    private readonly List<CocoPicture> pictures = [];
    private readonly List<AnnotatedCategory> categories = [];
    private readonly List<CocoEntry> entries = [];
    private int pictureNumber;
    private int categoryNumber;

    private CocoFile(string path, bool masks)
    {
        this.path = path;
        this.masks = masks;
    }

    public IReadOnlyList<CocoPicture> Pictures => pictures;

    public IReadOnlyList<AnnotatedCategory> Categories => categories;

    /// <summary>The objects; each has a picture, a category and a box.</summary>
    public IReadOnlyList<CocoEntry> Objects { get; private set; } = [];

    /// <summary>The ids as they are written.</summary>
    public AnnotationIds Ids { get; } = new();

    public AnnotationProblems Problems { get; } = new();

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="masks">Whether to read segmentations.</param>
    /// <exception cref="AnnotationException">
    /// The file can't be read, is broken JSON, or has no usable pictures or categories.
    /// </exception>
    public static CocoFile Read(string path, bool masks)
    {
        var file = new CocoFile(path, masks);
        using (var json = JsonStream.Open(path))
        {
            json.ReadObject(name => name switch
            {
                "images" => file.ReadPicture,
                "categories" => file.ReadCategory,
                "annotations" => file.ReadObject,
                _ => null,
            });
        }
        file.CheckLists();
        file.SortIds();
        file.Objects = file.Checked();
        file.Problems.AddParts(AnnotationPart.Pictures, file.pictureNumber);
        file.Problems.AddParts(AnnotationPart.Objects, file.entries.Count);
        file.Problems.AddParts(AnnotationPart.Masks, file.entries.Count(entry => entry.Segmentation is not null));
        return file;
    }

    /// <summary>
    /// The objects as pycocotools finds them, which keeps them by id: the last object of an id stands in for all of that id. Those
    /// without an id are left out; pycocotools refuses them. Both are reported.
    /// </summary>
    public IReadOnlyList<CocoEntry> ObjectsById()
    {
        var last = new Dictionary<long, CocoEntry>();
        foreach (var entry in Objects.Where(entry => entry.Id is not null))
            last[entry.Id!.Value] = entry;
        if (last.Count == Objects.Count)
            return Objects;
        foreach (var entry in Objects)
        {
            if (entry.Id is null)
                Problems.Add(AnnotationProblem.EntryIncomplete, $"{NameOf(entry)} has no id", AnnotationPart.Objects);
            else if (entry != last[entry.Id.Value])
                Problems.Add(AnnotationProblem.ObjectIdTwice, $"number {entry.Number} has id {Ids.Say(entry.Id)}", AnnotationPart.Objects);
        }
        // It goes through the pictures in the order of their ids.
        return [.. Objects.Where(entry => entry.Id is not null).OrderBy(entry => entry.PictureId).Select(entry => last[entry.Id!.Value])];
    }

    /// <summary>What messages call an object.</summary>
    public string NameOf(CocoEntry entry) => entry.Id is { } id ? $"object {Ids.Say(id)}" : $"object number {entry.Number}";

    /// <summary>Reads an object or a result from one element of an array.</summary>
    internal static CocoEntry ReadEntry(ref Utf8JsonReader reader, int number, bool masks, AnnotationIds ids)
    {
        var entry = new CocoEntry { Number = number };
        if (reader.TokenType != JsonTokenType.StartObject)
            return entry;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            entry = ReadValue(ref reader, entry, masks, ids);
        return entry;
    }

    private static CocoEntry ReadValue(ref Utf8JsonReader reader, CocoEntry entry, bool masks, AnnotationIds ids)
    {
        var name = reader.GetString()!;
        reader.Read();
        switch (name)
        {
            case "id":
                return entry with { Id = JsonValues.Id(ref reader, ids) };
            case "image_id":
                return entry with { PictureId = JsonValues.Id(ref reader, ids) };
            case "category_id":
                return entry with { CategoryId = JsonValues.Id(ref reader, ids) };
            case "bbox":
                return entry with { Box = JsonValues.Numbers(ref reader) is { Length: 4 } box ? box : null };
            case "area":
                return entry with { Area = JsonValues.Number(ref reader) };
            case "score":
                return entry with { Score = JsonValues.Number(ref reader) };
            case "iscrowd":
                return entry with { IsCrowd = JsonValues.Truth(ref reader) };
            case "ignore":
                return entry with { IsIgnored = JsonValues.Truth(ref reader) };
            case "segmentation" when masks:
                return entry with { Segmentation = CocoSegmentation.Read(ref reader) };
            default:
                reader.Skip();
                return entry;
        }
    }

    private void ReadPicture(ref Utf8JsonReader reader)
    {
        pictureNumber++;
        var isObject = reader.TokenType == JsonTokenType.StartObject;
        (long? id, string? name, long width, long height) = (null, null, 0, 0);
        while (isObject && reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            switch (key)
            {
                case "id":
                    id = JsonValues.Id(ref reader, Ids);
                    break;
                case "file_name":
                    name = JsonValues.Text(ref reader);
                    break;
                case "width":
                    width = JsonValues.Whole(ref reader) ?? 0;
                    break;
                case "height":
                    height = JsonValues.Whole(ref reader) ?? 0;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        if (id is null)
        {
            Problems.Add(AnnotationProblem.EntryIncomplete, $"picture number {pictureNumber} has no id", AnnotationPart.Pictures);
            return;
        }
        var sized = width is > 0 and <= int.MaxValue && height is > 0 and <= int.MaxValue;
        pictures.Add(new CocoPicture(id.Value, name ?? "", sized ? (int)width : 0, sized ? (int)height : 0));
    }

    private void ReadCategory(ref Utf8JsonReader reader)
    {
        categoryNumber++;
        var isObject = reader.TokenType == JsonTokenType.StartObject;
        (long? id, string? name) = (null, null);
        while (isObject && reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            switch (key)
            {
                case "id":
                    id = JsonValues.Id(ref reader, Ids);
                    break;
                case "name":
                    name = JsonValues.Text(ref reader);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        if (id is null)
        {
            Problems.Add(AnnotationProblem.EntryIncomplete, $"category number {categoryNumber} has no id");
            return;
        }
        if (name is null)
            Problems.Add(AnnotationProblem.NameMissing, $"category {Ids.Say(id)}");
        categories.Add(new AnnotatedCategory(id.Value, name ?? Ids.ToName(id.Value)));
    }

    private void ReadObject(ref Utf8JsonReader reader) => entries.Add(ReadEntry(ref reader, entries.Count + 1, masks, Ids));

    private void CheckLists()
    {
        if (pictures.Count > 0 && categories.Count > 0)
            return;
        var (what, listed) = pictures.Count == 0 ? ("pictures ('images')", pictureNumber) : ("'categories'", categoryNumber);
        throw new AnnotationException(listed == 0
            ? $"'{path}' has no {what}: it is an empty set, or not a COCO instances file."
            : string.Create(
                CultureInfo.InvariantCulture,
                $"None of the {listed} {what} in '{path}' can be used. {string.Join(" ", Problems.Sentences())}"));
    }

    private void SortIds()
    {
        if (Ids.Sort() is not { } newId)
            return;
        long? NewId(long? id) => id is null ? null : newId(id.Value);
        Replace(pictures, picture => picture with { Id = newId(picture.Id) });
        Replace(categories, category => category with { Id = newId(category.Id) });
        Replace(entries, entry => entry with
        {
            Id = NewId(entry.Id),
            PictureId = NewId(entry.PictureId),
            CategoryId = NewId(entry.CategoryId),
        });
    }

    private static void Replace<T>(List<T> items, Func<T, T> replacement)
    {
        for (var i = 0; i < items.Count; i++)
            items[i] = replacement(items[i]);
    }

    // The lists may come in any order, so references can be checked only at the end.
    private List<CocoEntry> Checked()
    {
        var pictureIds = KeepFirst(pictures, picture => picture.Id, "picture", AnnotationPart.Pictures);
        var categoryIds = KeepFirst(categories, category => category.Id, "category", loses: null);
        var byName = categories.GroupBy(category => category.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var same in byName.Where(same => same.Count() > 1))
        {
            var which = same.Select(category => $"'{category.Name}' is category {Ids.Say(category.Id)}");
            Problems.Add(AnnotationProblem.NameTwice, string.Join(", ", which));
        }
        var objects = new List<CocoEntry>(entries.Count);
        foreach (var entry in entries)
        {
            var missing = entry.PictureId is null ? "image_id" : entry.CategoryId is null ? "category_id"
                : entry.Box is null ? "bbox of four numbers" : null;
            if (missing is not null)
                Lose(AnnotationProblem.EntryIncomplete, $"object number {entry.Number} has no {missing}");
            else if (!pictureIds.Contains(entry.PictureId!.Value))
                Lose(AnnotationProblem.PictureUnknown, $"{NameOf(entry)} is of picture {Ids.Say(entry.PictureId)}");
            else if (!categoryIds.Contains(entry.CategoryId!.Value))
                Lose(AnnotationProblem.CategoryUnknown, $"{NameOf(entry)} is of category {Ids.Say(entry.CategoryId)}");
            else
                objects.Add(entry);
        }
        return objects;

        void Lose(AnnotationProblem kind, string which) => Problems.Add(kind, which, AnnotationPart.Objects);
    }

    private HashSet<long> KeepFirst<T>(List<T> items, Func<T, long> idOf, string noun, AnnotationPart? loses)
    {
        var known = new HashSet<long>();
        items.RemoveAll(item =>
        {
            var again = !known.Add(idOf(item));
            if (again)
                Problems.Add(AnnotationProblem.DuplicateId, $"{noun} {Ids.Say(idOf(item))} of '{path}'", loses);
            return again;
        });
        return known;
    }
}
