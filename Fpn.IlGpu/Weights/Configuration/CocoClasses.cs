namespace Fpn.IlGpu.Weights;

/// <summary>COCO's classes by their published ids. Id 0 is the background; ids that COCO left out are "N/A".</summary>
internal static class CocoClasses
{
    /// <summary>The name of the background class.</summary>
    public const string Background = "background";

    /// <summary>91 names, by id.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "background", "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
        "traffic light", "fire hydrant", "N/A", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse",
        "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "N/A", "backpack", "umbrella", "N/A",
        "N/A", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat",
        "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle", "N/A", "wine glass", "cup", "fork", "knife",
        "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza",
        "donut", "cake", "chair", "couch", "potted plant", "bed", "N/A", "dining table", "N/A", "N/A",
        "toilet", "N/A", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven",
        "toaster", "sink", "refrigerator", "N/A", "book", "clock", "vase", "scissors", "teddy bear", "hair drier",
        "toothbrush",
    ];

    /// <summary>The 80 object classes in the same order, as Detectron and Detectron2 number them.</summary>
    public static IReadOnlyList<string> Contiguous { get; } = [.. Names.Where(name => name is not (Background or "N/A"))];

    /// <summary>81 names as Detectron2 numbers them: the 80 object classes, then the background.</summary>
    public static IReadOnlyList<string> BackgroundLast { get; } = [.. Contiguous, Background];
}
