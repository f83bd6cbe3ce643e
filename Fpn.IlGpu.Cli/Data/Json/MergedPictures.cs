using Fpn.IlGpu.Data;
using Fpn.IlGpu.Files;

namespace Fpn.IlGpu.Cli;

/// <summary>The pictures, objects and classes of several COCO files, with new ids.</summary>
internal sealed class MergedPictures
{
    private readonly IReadOnlyList<CocoDocument> documents;
    private readonly List<(CocoDocument Document, DocumentPicture Picture, string Name)> pictures = [];
    private readonly List<DocumentCategory> categories = [];

    private MergedPictures(IReadOnlyList<CocoDocument> documents) => this.documents = documents;

    /// <summary>The number of pictures.</summary>
    public int Pictures => pictures.Count;

    /// <summary>The number of objects.</summary>
    public long Objects => pictures.Sum(item => (long)item.Document.ObjectsOf(item.Picture).Count);

    /// <summary>The class names.</summary>
    public IReadOnlyList<string> Classes => [.. categories.Select(category => category.Name)];

    /// <summary>Whether the files list different licences, to whose ids pictures refer, so that none can be kept.</summary>
    public bool LosesLicences => documents.Select(document => document.Other("licenses")).Distinct(StringComparer.Ordinal).Count() > 1;

    /// <summary>Merges.</summary>
    /// <param name="documents">The files.</param>
    /// <param name="folders">The folder of each file's pictures.</param>
    /// <param name="target">The folder that the new names are relative to.</param>
    /// <param name="problems">Receives what is left out.</param>
    public static MergedPictures Of(
        IReadOnlyList<CocoDocument> documents, IReadOnlyList<string> folders, string target, AnnotationProblems problems)
    {
        var merged = new MergedPictures(documents);
        var known = new HashSet<FileIdentity>();
        foreach (var (document, folder) in documents.Zip(folders))
        {
            foreach (var picture in document.Pictures)
            {
                var path = Path.GetFullPath(Path.Join(folder, PicturePath.Find(folder, picture.FileName)));
                if (picture.FileName.Length == 0 || !File.Exists(path) || FileIdentity.Of(path) is not { } file)
                    problems.Add(AnnotationProblem.PictureMissing, $"'{path}'", AnnotationPart.Pictures);
                else if (!known.Add(file))
                    problems.Add(AnnotationProblem.PictureTwice, $"'{path}'", AnnotationPart.Pictures);
                else
                    merged.pictures.Add((document, picture, Path.GetRelativePath(target, path).Replace('\\', '/')));
            }
            foreach (var category in document.Categories.Where(category => !merged.categories.Exists(other => other.Name == category.Name)))
                merged.categories.Add(category);
        }
        foreach (var same in merged.categories.GroupBy(category => category.Name, StringComparer.OrdinalIgnoreCase).Where(same => same.Count() > 1))
            problems.Add(AnnotationProblem.NameTwice, string.Join(", ", same.Select(category => $"'{category.Name}'")));
        return merged;
    }

    /// <summary>Writes the new file.</summary>
    public void Write(Stream stream)
    {
        var numbers = categories.Index().ToDictionary(item => item.Item.Name, item => item.Index + 1L, StringComparer.Ordinal);
        string[] dropped = LosesLicences ? ["info", "licenses"] : ["info"];
        documents[0].Write(
            stream,
            json =>
            {
                foreach (var (index, (_, picture, name)) in pictures.Index())
                {
                    NewValue[] values = [new("id", index + 1), new("file_name", null, name)];
                    CocoDocument.WriteEntry(json, picture.Json, LosesLicences ? [.. values, new NewValue("license", null)] : values);
                }
            },
            json =>
            {
                // From 1: COCO's evaluation treats id 0 as no object.
                long id = 1;
                foreach (var (index, (document, picture, _)) in pictures.Index())
                {
                    foreach (var annotated in document.ObjectsOf(picture))
                    {
                        CocoDocument.WriteEntry(
                            json, annotated.Json, new NewValue("id", id++), new NewValue("image_id", index + 1),
                            new NewValue("category_id", numbers[annotated.Category.Name]));
                    }
                }
            },
            json =>
            {
                foreach (var category in categories)
                {
                    CocoDocument.WriteEntry(
                        json, category.Json, new NewValue("id", numbers[category.Name]), new NewValue("name", null, category.Name));
                }
            },
            dropped);
    }
}
