namespace Fpn.IlGpu.Training;

/// <summary>
/// Validation while training: the detector is evaluated as it is, every so often, on pictures that it does not learn from. They are a
/// set of their own, or a share of the training pictures. The weights of a run are the same with and without a set of its own.
/// </summary>
public sealed record TrainingValidation
{
    /// <summary>Synthetic scenes; for a run that trains on <see cref="TrainingData.Shapes"/>.</summary>
    public ShapesData? Shapes { get; init; }

    /// <summary>Pictures with annotations in COCO's format.</summary>
    public CocoData? Coco { get; init; }

    /// <summary>A folder in the layout of Pascal VOC.</summary>
    public VocData? Voc { get; init; }

    /// <summary>The share of the training pictures that is set aside for validation.</summary>
    public double? Share { get; init; }

    /// <summary>For <see cref="Share"/>: the seed of the choice.</summary>
    public long Seed { get; init; }

    /// <summary>The number of steps between validations; the last step is always validated.</summary>
    public int? Every { get; init; }

    /// <summary>The number of epochs between validations; 1 if <see cref="Every"/> is not given either.</summary>
    public int? EveryEpochs { get; init; }

    /// <summary>The number of validations in a row without a new best after which the run ends; null for never.</summary>
    public int? Patience { get; init; }

    /// <summary>Whether a validation follows a step, counted from 1, other than the last one.</summary>
    internal bool IsDue(int step, TrainingSchedule schedule, int pictures)
        => Every is { } every ? step % every == 0 : schedule.EndsEpoch(step, EveryEpochs ?? 1, pictures);

    internal string? Problem(TrainingData data, bool hasPictures)
    {
        var sources = new object?[] { Shapes, Coco, Voc, Share }.Count(d => d is not null);
        if (sources > 1 || (sources == 0 && !hasPictures))
            return "'validation' takes exactly one of 'shapes', 'coco', 'voc' and 'share'";
        if (Shapes is not null && data.Shapes is null && !hasPictures)
            return "'validation.shapes' is for runs that train on 'data.shapes'";
        if (data.Proposals is not null)
            return "a Fast R-CNN, which needs 'data.proposals', can't be validated while it trains; evaluate it afterwards with 'fpn eval'";
        if (Share is not (null or > 0 and < 1))
            return "'validation.share' must be above 0 and below 1";
        if (Every is not null && EveryEpochs is not null)
            return "'validation' takes one of 'every' (steps) and 'every_epochs'";
        if (Every < 1 || EveryEpochs < 1 || Patience < 1)
            return "'validation' takes whole numbers from 1 as 'every', 'every_epochs' and 'patience'";
        return Shapes?.Problem("validation.shapes");
    }
}
