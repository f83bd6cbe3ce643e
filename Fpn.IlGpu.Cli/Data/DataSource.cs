using Fpn.IlGpu.Data;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>A file or folder of annotations, in any of the formats.</summary>
internal sealed record DataSource(string Path)
{
    /// <summary>The format; null to find it out.</summary>
    public DataFormat? Format { get; init; }

    /// <summary>The folder of the pictures; null for that of the file.</summary>
    public string? Pictures { get; init; }

    /// <summary>One list of a VOC folder or of a data.yaml; null for all pictures.</summary>
    public string? List { get; init; }

    /// <summary>What to do with EXIF data that say that a picture is turned.</summary>
    public ExifUse Exif { get; init; }

    /// <summary>Whether the pictures' files are needed.</summary>
    public bool NeedsPictures { get; init; } = true;

    /// <summary>Whether masks are read.</summary>
    public bool Masks { get; init; } = true;

    private string FolderOfFile => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path)) ?? ".";

    /// <summary>Reads the set.</summary>
    /// <param name="inUse">Receives the files that were read.</param>
    /// <exception cref="CommandException">It is not clear what is to be read.</exception>
    /// <exception cref="AnnotationException">The set can't be used.</exception>
    public AnnotatedSet Read(FilesInUse inUse)
    {
        var format = Format ?? Guess();
        if (List is not null && format is not (DataFormat.Voc or DataFormat.Yolo))
            throw new CommandException("--split names a list of a VOC folder or of YOLO's data.yaml; this has none.");
        if (Pictures is not null && format is (DataFormat.Voc or DataFormat.Yolo))
            throw new CommandException("--pictures is not for VOC and YOLO, which say themselves where the pictures are.");
        inUse.AddInputs(File.Exists(Path) ? [Path] : []);
        var folder = Pictures ?? FolderOfFile;
        if (format is DataFormat.Csv or DataFormat.Cvat && !Directory.Exists(folder))
            throw new CommandException($"There is no folder '{folder}'; name that of the pictures with --pictures.");
        var set = format switch
        {
            DataFormat.Voc => ReadVoc(inUse),
            DataFormat.Yolo => ReadYolo(inUse),
            DataFormat.Csv => CsvBoxes.Read(Path, folder, Exif),
            DataFormat.Cvat => CvatFile.Read(Path, folder, Exif),
            _ => ReadCoco(NeedsPictures ? folder : null),
        };
        if (set.Folder.Length > 0)
            inUse.AddInputs(set.Pictures.Select(set.PathOf));
        return set;
    }

    /// <summary>The format that a file or folder shows.</summary>
    /// <exception cref="CommandException">It shows none.</exception>
    public DataFormat Guess()
    {
        if (Directory.Exists(Path))
        {
            return YoloFolder.DescriptionIn(Path) is not null ? DataFormat.Yolo
                : Directory.EnumerateFiles(Path, "*.xml").Any() || Directory.EnumerateDirectories(Path).Any(IsVoc) ? DataFormat.Voc
                : throw new CommandException(
                    $"The folder '{Path}' has neither VOC's Annotations nor YOLO's data.yaml or classes.txt; name a file, or give --from.");
        }
        if (!File.Exists(Path))
            throw new CommandException($"There is no file or folder '{Path}'; check the path.");
        return System.IO.Path.GetExtension(Path).ToLowerInvariant() switch
        {
            ".json" => DataFormat.Coco,
            ".yaml" or ".yml" => DataFormat.Yolo,
            ".csv" or ".tsv" or ".txt" => DataFormat.Csv,
            ".xml" => DataFormat.Cvat,
            _ => throw new CommandException($"The name of '{Path}' shows no format of annotations; give --from coco, voc, yolo, csv or cvat."),
        };
    }

    private static bool IsVoc(string folder)
        => string.Equals(System.IO.Path.GetFileName(folder), "Annotations", StringComparison.OrdinalIgnoreCase);

    // Where no object has a mask, none is missing.
    private AnnotatedSet ReadCoco(string? folder)
        => Masks && CocoAnnotations.Read(Path, folder, masks: true) is { HasMasks: true } set ? set : CocoAnnotations.Read(Path, folder);

    private AnnotatedSet ReadVoc(FilesInUse inUse)
    {
        var set = VocFolder.Read(Path, List, exif: Exif);
        inUse.AddInputs(Directory.EnumerateFiles(Path, "*.xml", SearchOption.AllDirectories));
        return set;
    }

    private AnnotatedSet ReadYolo(FilesInUse inUse)
    {
        var set = YoloFolder.Read(Path, List, Exif, out var inputs);
        inUse.AddInputs(inputs);
        return set;
    }
}
