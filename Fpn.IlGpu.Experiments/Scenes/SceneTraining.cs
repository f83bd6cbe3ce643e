using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>Training on synthetic scenes.</summary>
public static class SceneTraining
{
    /// <summary>Returns the scenes that a configuration's <c>data.shapes</c> describes; null if the configuration names files.</summary>
    /// <param name="configuration">The configuration of the run.</param>
    /// <exception cref="TrainingException"><c>data.shapes.annotated</c> is not a class of the scenes.</exception>
    public static TrainingPictures? ScenesOf(TrainingConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration.Data.Shapes is { } shapes ? ScenesOf(shapes) : null;
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
