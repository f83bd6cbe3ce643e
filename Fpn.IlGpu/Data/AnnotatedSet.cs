namespace Fpn.IlGpu.Data;

/// <summary>A class of objects.</summary>
/// <param name="Id">The number in the set's files; COCO's have gaps.</param>
/// <param name="Name">The name.</param>
public sealed record AnnotatedCategory(long Id, string Name);

/// <summary>Annotated pictures, to train or evaluate a detector.</summary>
/// <param name="Pictures">The pictures, in file order.</param>
/// <param name="Categories">The categories, indexed by <see cref="AnnotatedObject.ClassIndex"/>; without a background.</param>
public sealed record AnnotatedSet(IReadOnlyList<AnnotatedPicture> Pictures, IReadOnlyList<AnnotatedCategory> Categories)
{
    /// <summary>The folder of the picture files; empty if there are no files.</summary>
    public string Folder { get; init; } = "";

    /// <summary>The problems in the annotations that were skipped or corrected.</summary>
    public AnnotationProblems Problems { get; init; } = new();

    /// <summary>The ids as they are written in the set's file.</summary>
    internal AnnotationIds Ids { get; init; } = new();

    /// <summary>The ids of all pictures that the set's file lists, usable or not; empty for sets that are read from no such file.</summary>
    internal IReadOnlyList<long> Listed { get; init; } = [];

    /// <summary>Whether any object that counts has a mask. A detector that learns masks needs some.</summary>
    public bool HasMasks
        => Pictures.Any(picture => picture.Objects.Any(o => o is { Mask: not null, IsCrowd: false, IsIgnored: false }));

    /// <summary>The path of a picture's file.</summary>
    public string PathOf(AnnotatedPicture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        return Path.Join(Folder, picture.FileName);
    }
}
