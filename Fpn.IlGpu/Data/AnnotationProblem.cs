namespace Fpn.IlGpu.Data;

/// <summary>A problem with one entry of an annotation file, and how it is handled.</summary>
public enum AnnotationProblem
{
    /// <summary>A box that reaches outside its picture: clipped to it.</summary>
    BoxOutside,

    /// <summary>A box without area inside its picture: the object is skipped.</summary>
    BoxEmpty,

    /// <summary>A box whose corners are the same px, one px wide or high (VOC's corners are both included): kept.</summary>
    BoxOnePixel,

    /// <summary>A picture whose annotations state no size: that of its file is used.</summary>
    SizeMissing,

    /// <summary>An annotation file of one picture that can't be read: the picture is skipped.</summary>
    FileBroken,

    /// <summary>A picture whose annotated size shows that its annotations go by the other <c>ExifUse</c>: skipped.</summary>
    ExifOther,

    /// <summary>
    /// A picture that EXIF data say is turned, in a set where no picture's size shows whether the annotations go by the turned or by the
    /// stored pixels.
    /// </summary>
    ExifUnclear,

    /// <summary>A picture without an object that counts: left out of training on request, which is the default.</summary>
    PictureEmpty,

    /// <summary>A picture whose file does not exist: skipped, with its objects.</summary>
    PictureMissing,

    /// <summary>An object of a picture that the set does not list: skipped.</summary>
    PictureUnknown,

    /// <summary>An object of a category that the set does not list: skipped.</summary>
    CategoryUnknown,

    /// <summary>
    /// Several categories of one name, or of names that differ only in case: they stay different classes, but evaluation can't match a
    /// model's class to one of them by name unless exactly one has that very name.
    /// </summary>
    NameTwice,

    /// <summary>A category without a name: its id serves as its name.</summary>
    NameMissing,

    /// <summary>A second picture or category with the same id: skipped.</summary>
    DuplicateId,

    /// <summary>
    /// An object whose id a later object has, too. pycocotools puts the later one in its place; so does the evaluation here. Training
    /// needs no ids of objects.
    /// </summary>
    ObjectIdTwice,

    /// <summary>A mask that can't be read, or whose size is not the picture's: left out; its object stays.</summary>
    MaskBroken,

    /// <summary>An object without a mask in a set whose masks are read: only its box is learned.</summary>
    MaskMissing,

    /// <summary>An entry that lacks a value that it needs, or has one that is not a number: skipped.</summary>
    EntryIncomplete,

    /// <summary>An object without an area: its box's area is used.</summary>
    AreaMissing,

    /// <summary>An object with id 0, which pycocotools never counts as found; neither does the evaluation here.</summary>
    IdZero,

    /// <summary>A picture whose file can't be read, or has another size: skipped, with its objects.</summary>
    PictureBroken,

    /// <summary>A picture without a file of labels, as YOLO marks pictures without objects: kept as one.</summary>
    LabelsMissing,

    /// <summary>An object that is neither a box nor a polygon nor a mask, such as a line: skipped.</summary>
    ShapeUnknown,

    /// <summary>An object that is written twice, line by line the same: the first one counts.</summary>
    ObjectTwice,

    /// <summary>A picture that two sets have: that of the first set counts.</summary>
    PictureTwice,
}

/// <summary>What a set or a file of results consists of, and what a problem with an entry may leave out.</summary>
public enum AnnotationPart
{
    /// <summary>Pictures, with their objects.</summary>
    Pictures,

    /// <summary>Annotated objects.</summary>
    Objects,

    /// <summary>Masks of objects or results; the rest of these stays.</summary>
    Masks,

    /// <summary>Entries of a results file.</summary>
    Results,
}
