namespace Fpn.IlGpu.Cli;

/// <summary>The formats of annotations that <c>fpn data</c> reads.</summary>
internal enum DataFormat
{
    /// <summary>COCO's instances JSON.</summary>
    Coco,

    /// <summary>A Pascal VOC folder.</summary>
    Voc,

    /// <summary>YOLO's text files, with data.yaml or classes.txt.</summary>
    Yolo,

    /// <summary>A table of boxes.</summary>
    Csv,

    /// <summary>CVAT for images 1.1.</summary>
    Cvat,
}
