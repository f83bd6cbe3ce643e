using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>Training on synthetic scenes.</summary>
public static class SceneTraining
{
    /// <summary>
    /// Returns the scenes that a configuration's <c>data.shapes</c> and <c>validation.shapes</c> describe; null if the former names files.
    /// </summary>
    /// <param name="configuration">The configuration of the run.</param>
    /// <exception cref="TrainingException"><c>data.shapes.annotated</c> is not a class of the scenes.</exception>
    public static TrainingPictures? ScenesOf(TrainingConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        if (configuration.Data.Shapes is not { } shapes)
            return null;
        var pictures = ScenesOf(shapes);
        if (configuration.Validation?.Shapes is not { } held)
            return pictures;
        var validation = ScenesOf(held);
        return validation.Classes.SequenceEqual(pictures.Classes)
            ? pictures with { Validation = validation.Source }
            : throw new TrainingException("'validation.shapes' must have the same classes as 'data.shapes': the same 'scene' and 'annotated'.");
    }

    /// <summary>Returns the scenes that <c>data.shapes</c> describes.</summary>
    internal static TrainingPictures ScenesOf(ShapesData shapes)
    {
        var isShapes = shapes.Scene == SceneKind.Shapes;
        var classes = isShapes ? SyntheticShapes.Classes : DiscPictures.Classes;
        if (shapes.Annotated is not { } only)
            return new TrainingPictures(isShapes ? SyntheticPictures.Of(shapes) : new DiscPictures(shapes), classes);
        if (isShapes)
            throw new TrainingException("'data.shapes.annotated' is for scenes with frames.");
        return classes.Contains(only)
            ? new TrainingPictures(new DiscPictures(shapes), [only])
            : throw new TrainingException($"'data.shapes.annotated' must be one of {string.Join(", ", classes)}, not '{only}'.");
    }
}
