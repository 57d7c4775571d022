// What it costs to load RxJS.
export * from 'rxjs';
